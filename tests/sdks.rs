//! The official SDKs, unchanged as published, keep the sign-up lists of a running gateway.
//!
//! `tests/sdks/install` puts them into `target/sdks`, or wherever `GUESTLIST_SDKS` says. The bots of `tests/sdks/` check
//! every value themselves; here stands which callbacks must come, and in which order.

#[path = "sdks/snippets.rs"]
mod snippets;

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// The token that `serve --demo` knows, and the app it is for.
const DEMO_TOKEN: &str = "90091784056528980:0:DemoBotTokenForLocalUseOnly001";
const DEMO_APP_ID: &str = "90090684293000559";

/// Above every bot's own bound, the longest of which is 60 s, so that a bot gets to say what it misses.
const LINE_WAIT_MAX: Duration = Duration::from_secs(90);

#[test]
#[ignore = "needs the official SDKs; tests/run installs them"]
fn python_2_1_0_keeps_the_lists() {
    python_keeps_the_lists("2.1.0", Gateway::start());
}

#[test]
#[ignore = "needs the official SDKs; tests/run installs them"]
fn python_1_6_0_keeps_the_lists() {
    python_keeps_the_lists("1.6.0", Gateway::start());
}

#[test]
#[ignore = "needs the official SDKs; tests/run installs them"]
fn python_keeps_the_lists_encrypted() {
    python_keeps_the_lists("2.1.0", Gateway::start_encrypted());
}

fn python_keeps_the_lists(version: &str, gateway: Gateway) {
    let told = gateway.python_bot(version, &[]).told();
    assert_eq!(
        told,
        [
            &format!("on_connect {version}"),
            "on_receive_obj PONG",
            "on_white_list addToWhitelist",
            "on_white_list getWhitelistUsers",
            "on_white_list addToWhitelist",
            "on_remove_white_list removeFromWhitelist",
            "on_white_list getWhitelistUsers",
            "on_remove_white_list removeFromWhitelist",
            "on_remove_white_list removeFromWhitelist",
            "on_black_list addToBlacklist",
            "on_black_list getBlacklistUsers",
            "on_remove_black_list removeFromBlacklist",
            "on_black_list getBlacklistUsers",
            "on_remove_black_list removeFromBlacklist",
            "on_white_list_pattern addWhitelistPatterns",
            "on_white_list_pattern addWhitelistPatterns",
            "on_white_list_pattern removeWhitelistPatterns",
            "on_white_list_pattern removeWhitelistPatterns",
            "on_black_list_pattern addBlacklistPatterns",
            "on_black_list_pattern addBlacklistPatterns",
            "on_black_list_pattern removeBlacklistPatterns",
            "on_black_list_pattern removeBlacklistPatterns",
            "on_white_list getWhitelistUsers",
            "done",
        ]
    );
    gateway.stop();
}

#[test]
#[ignore = "needs the official SDKs; tests/run installs them"]
fn node_1_2_19_keeps_the_lists() {
    node_keeps_the_lists(Gateway::start());
}

#[test]
#[ignore = "needs the official SDKs; tests/run installs them"]
fn node_keeps_the_lists_encrypted_and_trusts_nobody_it_was_not_told_of() {
    let mut gateway = Gateway::start_encrypted();
    let ca = gateway.ca.take();
    let untrusting = gateway.node_bot();
    let lines: Vec<String> = std::iter::from_fn(|| untrusting.line()).collect();
    assert!(lines.len() == 1 && lines[0].contains(r#""missing":"onConnect""#), "{lines:?}");
    drop(untrusting);
    gateway.ca = ca;
    node_keeps_the_lists(gateway);
}

fn node_keeps_the_lists(gateway: Gateway) {
    let told = gateway.node_bot().told();
    assert_eq!(
        told,
        [
            "onConnect 1.2.19",
            "onReceiveObj addToWhitelist_ack",
            "onReceiveObj getWhitelistUsersResponse",
            "onReceiveObj getWhitelistUsersResponse",
            "onReceiveObj removeFromWhitelist_ack",
            "onReceiveObj getWhitelistUsersResponse",
            "onReceiveObj removeFromWhitelist_ack",
            "onReceiveObj removeFromWhitelist_ack",
            "onReceiveObj addToBlacklist_ack",
            "onReceiveObj getBlacklistUsersResponse",
            "onReceiveObj removeFromBlacklist_ack",
            "onReceiveObj getBlacklistUsersResponse",
            "onReceiveObj addWhitelistPatterns_ack",
            "onReceiveObj addWhitelistPatterns_ack",
            "onReceiveObj removeWhitelistPatterns_ack",
            "onReceiveObj removeWhitelistPatterns_ack",
            "onReceiveObj addBlacklistPatterns_ack",
            "onReceiveObj addBlacklistPatterns_ack",
            "onReceiveObj removeBlacklistPatterns_ack",
            "onReceiveObj removeBlacklistPatterns_ack",
            "onReceiveObj getWhitelistUsersResponse",
            "done",
        ]
    );
    gateway.stop();
}

#[test]
#[ignore = "needs the official SDKs; tests/run installs them"]
fn python_bot_is_back_after_a_clean_restart() {
    let gateway = Gateway::start();
    let bot = gateway.python_bot("2.1.0", &["reconnect"]);
    let first = bot.line().map(|line| tell(&line));
    assert_eq!(first.as_deref(), Some("on_connect 2.1.0"));
    let gateway = gateway.restart();
    assert_eq!(
        bot.told(),
        ["on_close", "on_connect 2.1.0", "on_white_list addToWhitelist", "on_white_list getWhitelistUsers", "done",]
    );
    gateway.stop();
}

#[test]
#[ignore = "needs the official SDKs; tests/run installs them"]
fn python_2_1_0_hears_of_changes_in_its_own_callbacks() {
    let gateway = Gateway::start();
    let told = gateway.python_bot("2.1.0", &["hear"]).told();
    assert_eq!(
        told,
        [
            "on_connect 2.1.0",
            "on_event_response subscribeToEvent",
            "on_event_response listEventSubscriptions",
            "on_event_message addToWhitelist",
            "on_white_list addToWhitelist",
            "on_event_response unsubscribeFromEvent",
            "on_event_response subscribeToEvent",
            "done",
        ]
    );
    gateway.stop();
}

#[test]
#[ignore = "needs the official SDKs; tests/run installs them"]
fn a_recorded_python_bot_replays_without_difference_100_of_100() {
    replays_without_difference(|gateway| gateway.python_bot("2.1.0", &[]));
}

#[test]
#[ignore = "needs the official SDKs; tests/run installs them"]
fn a_recorded_node_bot_replays_without_difference_100_of_100() {
    replays_without_difference(Gateway::node_bot);
}

/// Records a bot in front of a gateway, and replays the recording against a hundred fresh ones.
fn replays_without_difference(bot: impl FnOnce(&Gateway) -> Process) {
    const REPLAYS: usize = 100;
    let mut gateway = Gateway::start();
    let recorder = gateway.be_recorded();
    assert_eq!(bot(&gateway).told().last().map(String::as_str), Some("done"));
    recorder.stop();
    let recording = gateway.recording();
    let text = fs::read_to_string(&recording).expect("there is a recording");
    assert!(!text.contains(DEMO_TOKEN), "the token is in the recording");
    assert!(text.lines().count() > 40, "there is more to what a bot does than\n{text}");
    let same = (0..REPLAYS).filter(|_| replays(&recording)).count();
    println!("{same} of {REPLAYS} replays of {} lines without a difference", text.lines().count());
    assert_eq!(same, REPLAYS);
    gateway.stop();
}

/// Whether a replay shows no difference; what it shows is printed.
fn replays(recording: &Path) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guestlist"));
    let output = command.arg("replay").arg(recording).arg("--bind").arg(format!("token_1={DEMO_TOKEN}")).output();
    let output = output.expect("the binary runs");
    if !output.status.success() {
        println!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    output.status.success()
}

/// A gateway with the demonstration data, in a directory of its own.
struct Gateway {
    process: Process,
    home: TempDir,
    url: String,
    /// The file of the certificate that bots are to trust, where connections are encrypted.
    ca: Option<PathBuf>,
}

impl Gateway {
    fn start() -> Self {
        let home = tempfile::tempdir().expect("a temporary directory can be made");
        Self::start_in(home, &["--listen", "127.0.0.1:0"])
    }

    /// One that has a certificate which nobody knows.
    fn start_encrypted() -> Self {
        let home = tempfile::tempdir().expect("a temporary directory can be made");
        let gateway = Self::start_in(home, &["--listen", "127.0.0.1:0", "--tls", "self-signed"]);
        let ca = Some(gateway.home.path().join("data/self-signed.pem"));
        Self { url: gateway.url.replace("127.0.0.1", "localhost"), ca, ..gateway }
    }

    fn start_in(home: TempDir, how: &[&str]) -> Self {
        let log = home.path().join("gateway.log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_guestlist"));
        command
            .args(["serve", "--demo"])
            .args(how)
            .arg("--data")
            .arg(home.path().join("data"))
            .stderr(File::create(&log).expect("the gateway's log can be made"));
        let process = Process::start(&mut command, Some(log));
        let line = process.line().expect("the gateway says where it listens");
        let url = line.strip_prefix("listening on ").expect("the gateway's one line is where it listens").to_owned();
        Self { process, home, url, ca: None }
    }

    /// Stops it, and starts it anew on the same port with the same data. The SDK comes back once, 10 s after it was sent
    /// away, and never again if nobody listens then; nor does it close its end before, for which no stop may wait.
    fn restart(self) -> Self {
        let listen = self.url.split('/').nth(2).expect("a URL has an authority").to_owned();
        Self::start_in(self.stop(), &["--listen", &listen])
    }

    /// Stops it as an operator would, and waits until it is gone.
    fn stop(self) -> TempDir {
        self.process.stop();
        self.home
    }

    /// Has a recorder stand in front of it, which bots connect to from now on.
    fn be_recorded(&mut self) -> Process {
        let log = self.home.path().join("recorder.log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_guestlist"));
        command
            .args(["record", "--upstream", &self.url, "--out"])
            .arg(self.recording())
            .stderr(File::create(&log).expect("the recorder's log can be made"));
        let recorder = Process::start(&mut command, Some(log));
        let line = recorder.line().expect("the recorder says where it listens");
        let url = line.strip_prefix("recording on ").and_then(|rest| rest.split_once(" to "));
        url.expect("the recorder's one line is where it listens").0.clone_into(&mut self.url);
        recorder
    }

    fn recording(&self) -> PathBuf {
        self.home.path().join("recorded.jsonl")
    }

    fn python_bot(&self, version: &str, arguments: &[&str]) -> Process {
        let python = installed(&format!("python-{version}/bin/python"));
        let mut command = Command::new(python);
        command.arg(bots().join("python_bot.py")).args(arguments);
        self.bot(&mut command)
    }

    fn node_bot(&self) -> Process {
        let mut command = Command::new("node");
        command.arg(bots().join("node_bot.js")).env("NODE_PATH", installed("node/node_modules"));
        self.bot(&mut command)
    }

    fn bot(&self, command: &mut Command) -> Process {
        command
            .env("BOT_URL", &self.url)
            .env("BOT_TOKEN", DEMO_TOKEN)
            .env("BOT_APP_ID", DEMO_APP_ID)
            .env("TMPDIR", self.home.path());
        if let Some(ca) = &self.ca {
            command.env("NODE_EXTRA_CA_CERTS", ca);
        }
        Process::start(command, None)
    }
}

/// A running program, and the lines of its standard output as they come; it is killed if nobody waits for its end.
struct Process {
    child: Child,
    lines: Receiver<String>,
    log: Option<PathBuf>,
}

impl Process {
    fn start(command: &mut Command, log: Option<PathBuf>) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the program can be started");
        let output = child.stdout.take().expect("standard output is a pipe");
        let (sender, lines) = channel();
        thread::spawn(move || {
            let mut read = BufReader::new(output).lines().map_while(Result::ok);
            read.all(|line| sender.send(line).is_ok())
        });
        Self { child, lines, log }
    }

    /// The next line, or none at the end of the output.
    fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(LINE_WAIT_MAX) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no line and no end for {LINE_WAIT_MAX:?}"),
        }
    }

    /// Whether there may be more to come: it has not closed its output.
    fn is_running(&self) -> bool {
        !matches!(self.lines.try_recv(), Err(TryRecvError::Disconnected))
    }

    /// The lines until it ends, which must be a success.
    fn rest(mut self) -> Vec<String> {
        let lines: Vec<_> = std::iter::from_fn(|| self.line()).collect();
        let status = self.child.wait().expect("a child can be waited for");
        assert!(status.success(), "{status}, having said {lines:#?}");
        lines
    }

    /// Stops it as an operator would, and waits until it is gone.
    fn stop(self) {
        // The shell's own kill: the command of that name is not on every machine.
        let pid = self.child.id().to_string();
        let sent = Command::new("sh").args(["-c", r#"kill -TERM "$1""#, "sh", &pid]).status().expect("a shell runs");
        assert!(sent.success(), "the process is still there to be stopped");
        self.rest();
    }

    /// What a bot that succeeded was told, a callback each.
    fn told(self) -> Vec<String> {
        self.rest().iter().map(|line| tell(line)).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail for a process that was waited for, which is well.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(log) = self.log.as_ref().filter(|_| thread::panicking()) {
            eprintln!("{}", fs::read_to_string(log).unwrap_or_default());
        }
    }
}

/// A bot's line in short: the callback, and the method or the SDK's version where it has one.
fn tell(line: &str) -> String {
    let line: Value = serde_json::from_str(line).expect("a bot writes JSON lines");
    ["callback", "method", "sdk"].iter().filter_map(|key| line[key].as_str()).collect::<Vec<_>>().join(" ")
}

fn bots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdks")
}

fn installed(part: &str) -> PathBuf {
    let sdks = std::env::var_os("GUESTLIST_SDKS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/sdks"), PathBuf::from);
    // The bots change their directory before Node looks for its modules.
    let path = std::path::absolute(sdks.join(part)).expect("the current directory is known");
    assert!(path.exists(), "{path:?} is missing: run tests/sdks/install");
    path
}
