//! This is where tests get a gateway: the binary itself, with the demo data.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The demo app.
pub const APP: &str = "90090684293000559";
/// The demo bot's token.
pub const BOT: &str = "90091784056528980:0:DemoBotTokenForLocalUseOnly001";
/// The demo administrator's token.
pub const ADMIN: &str = "demo-admin-token";

/// What would run, were it taken for HTML.
pub const HOSTILE: &str = "<img src=x onerror=\"document.title='taken'\">@example.com";

/// Any port that is free.
pub const ANYWHERE: &str = "127.0.0.1:0";

/// A directory for a gateway, which goes with this value.
pub fn directory() -> TempDir {
    TempDir::new().expect("there is room for a directory")
}

/// A gateway in a process of its own; killed when dropped.
pub struct Gateway {
    child: Child,
    /// Where it listens, such as `127.0.0.1:5020`.
    pub address: String,
}

impl Gateway {
    /// Starts one on a directory, at an address; port 0 is any that is free.
    pub fn start(directory: &Path, address: &str) -> Self {
        let mut command = guestlist(&["serve", "--demo", "--listen", address, "--log", "warn", "--data"]);
        let mut child = command.arg(directory).stdout(Stdio::piped()).spawn().expect("the binary runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("the output is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("the output is text");
        let url = line.trim_end().strip_prefix("listening on ").unwrap_or_else(|| panic!("it said {line:?}"));
        let address = url.split('/').nth(2).expect("a URL has an address").to_owned();
        Self { child, address }
    }

    /// Stops it in good order, and waits for its end.
    pub fn stop(mut self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(told.expect("kill is there").success());
        assert!(self.child.wait().expect("it ends").success());
    }

    /// Changes something as an administrator, from elsewhere.
    pub fn call(&self, message: &Value) {
        assert!(self.say(ADMIN, message), "{message}");
    }

    /// Sends something as somebody, from elsewhere; whether it was accepted.
    pub fn say(&self, token: &str, message: &Value) -> bool {
        let url = format!("ws://{}/nandbox/api/", self.address);
        let ran = guestlist(&["call", "--url", &url, "--token", token, &message.to_string()]).output();
        ran.expect("the binary runs").status.success()
    }

    /// Has a bot send so many messages as fast as it can; it ends by itself.
    pub fn flood(&self, token: &str, count: usize) -> Child {
        let url = format!("ws://{}/nandbox/api/", self.address);
        let mut command = guestlist(&["bench", "--url", &url, "--token", token, "--count", &count.to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary runs")
    }

    /// Puts it under load as `guestlist bench` does with these arguments, and waits for the end.
    pub fn load(&self, token: &str, arguments: &[&str]) {
        let url = format!("ws://{}/nandbox/api/", self.address);
        let ran = guestlist(&["bench", "--url", &url, "--token", token]).args(arguments).output();
        let ran = ran.expect("the binary runs");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }

    /// How many are on the whitelist of an app.
    pub fn count(&self, app_id: &str) -> u64 {
        let answer = self.ask(&json!({"method": "getApps", "page_size": 1000}));
        let mut apps = answer["apps"].as_array().expect("apps are listed").iter();
        let app = apps.find(|app| app["app_id"] == app_id).expect("the app is there");
        app["whitelist"]["signups"].as_u64().expect("it is a number")
    }

    /// The number of the last change.
    pub fn last_change(&self) -> u64 {
        self.ask(&json!({"method": "getStateDigest"}))["seq"].as_u64().expect("it is a number")
    }

    /// Asks something as an administrator, from elsewhere.
    fn ask(&self, message: &Value) -> Value {
        let url = format!("ws://{}/nandbox/api/", self.address);
        let ran = guestlist(&["call", "--url", &url, "--token", ADMIN, &message.to_string()]).output();
        serde_json::from_slice(&ran.expect("the binary runs").stdout).expect("it prints the answer")
    }

    /// A list of the demo app as CSV, as the command line writes it.
    pub fn export(&self, list: &str) -> String {
        let url = format!("ws://{}/nandbox/api/", self.address);
        let ran = guestlist(&["export", "--app", APP, "--list", list, "--url", &url, "--token", ADMIN]).output();
        let ran = ran.expect("the binary runs");
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).expect("it prints text")
    }

    /// A link that signs one browser in, once.
    pub fn link(&self) -> String {
        let url = format!("ws://{}/nandbox/api/", self.address);
        let ran = guestlist(&["admin", "link", "--url", &url, "--token", ADMIN]).output().expect("the binary runs");
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).expect("it prints text").trim_end().to_owned()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).ok();
    }
}

/// The binary, in an environment that configures nothing.
fn guestlist(arguments: &[&str]) -> Command {
    let binary = std::env::var_os("GUESTLIST_BIN").expect("GUESTLIST_BIN names the binary; tests/run does");
    let mut command = Command::new(binary);
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GUESTLIST_")) {
        command.env_remove(name);
    }
    command
}
