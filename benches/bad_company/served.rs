//! This is where the gateway runs, in a process of its own, and where it is looked at from outside.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// How often its memory is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// A gateway with the demo data; killed when dropped.
pub struct Served {
    child: Child,
    url: String,
    home: TempDir,
    encrypted: bool,
}

impl Served {
    pub fn start(encrypted: bool) -> Self {
        let home =
            TempDir::new_in(std::env::var_os("GUESTLIST_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from))
                .expect("a temporary directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_guestlist"));
        command.args(["serve", "--demo", "--listen", "127.0.0.1:0", "--log", "warn", "--data"]).arg(home.path());
        if encrypted {
            command.args(["--tls", "self-signed"]);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("the output is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("the output is text");
        let url = line.trim_end().strip_prefix("listening on ").expect("it says where it listens").to_owned();
        Self { child, url, home, encrypted }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn address(&self) -> SocketAddr {
        let address = self.url.split('/').nth(2).and_then(|address| address.parse().ok());
        address.expect("it listens on an address")
    }

    /// What a client must be told beside the URL.
    pub fn trust(&self) -> Vec<String> {
        let ca = self.home.path().join("self-signed.pem").display().to_string();
        if self.encrypted { vec!["--ca".to_owned(), ca] } else { Vec::new() }
    }

    pub fn rss_bytes(&self) -> u64 {
        rss_bytes(self.child.id())
    }

    /// Looks at its memory from now on.
    pub fn watch(&self) -> Watch {
        let (pid, peak, over) = (self.child.id(), Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (sees, ends) = (peak.clone(), over.clone());
        thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                sees.fetch_max(rss_bytes(pid), Ordering::Relaxed);
                thread::sleep(LOOK_INTERVAL);
            }
        });
        Watch { peak, over }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).ok();
    }
}

/// The most memory that a gateway was seen to have.
pub struct Watch {
    peak: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Watch {
    pub fn peak_bytes(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn rss_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kibibytes =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    kibibytes.unwrap_or(0_u64) * 1_024
}
