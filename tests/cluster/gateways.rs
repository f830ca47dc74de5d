//! This is where tests get the gateways of a cluster: processes, each on a host and with a directory of its own, that are killed,
//! frozen, emptied and started again.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::cluster::ADMIN;
use super::hosts::Host;
use super::line::Line;
use super::wait::until;
use crate::support::http::Http;
use crate::support::process::{guestlist, signal};

/// Above anything that a gateway needs to start, and to catch up with the others.
const PATIENCE: Duration = Duration::from_secs(40);

/// How long a gateway that is asked whether it is ready may take to say so.
const ANSWER_WAIT: Duration = Duration::from_secs(1);

/// Lines of the log of a gateway that ended by itself which are told.
const LINES_TOLD: usize = 4;

/// A gateway of a cluster; killed when dropped.
pub struct Gateway {
    /// What the others know it by.
    pub name: String,
    /// Where it runs.
    pub host: Host,
    address: SocketAddrV4,
    home: PathBuf,
    args: Vec<String>,
    child: Option<Child>,
    /// How often it ended where nobody had ended it, and was started again.
    pub ended_itself: usize,
}

impl Gateway {
    /// One that is not started yet, whose data and log will be in a directory, with arguments for `serve` beside what each has.
    pub fn new(name: &str, home: &Path, host: Host, args: &[String]) -> Self {
        let [address, _] = host.free_ports();
        fs::create_dir_all(home).expect("the directory can be written");
        let (name, home, args) = (name.to_owned(), home.to_owned(), args.to_vec());
        Self { name, host, address, home, args, child: None, ended_itself: 0 }
    }

    /// Where bots connect.
    pub fn url(&self) -> String {
        format!("ws://{}/nandbox/api/", self.address)
    }

    /// Its HTTP side.
    pub fn http(&self) -> Http {
        Http::new(self.address.into())
    }

    /// Where it keeps its copy.
    pub fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// What it has logged in all its lives.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Starts it, and does not wait until it is ready.
    pub fn start(&mut self) {
        let (listen, data) = (self.address.to_string(), self.data());
        let data = data.to_str().expect("paths of tests are text");
        let plain = guestlist(&["serve", "--listen", &listen, "--data", data, "--gateway-name", &self.name]);
        let mut command = self.host.command(plain.get_program().to_str().expect("paths of tests are text"));
        command.args(plain.get_args()).args(&self.args);
        for (name, _) in plain.get_envs().filter(|(_, value)| value.is_none()) {
            command.env_remove(name);
        }
        let log = File::options().create(true).append(true).open(self.log_path()).expect("the log can be written");
        let output = log.try_clone().expect("a file can be written twice");
        let child = command.stdin(Stdio::null()).stdout(output).stderr(log).spawn();
        self.child = Some(child.expect("the binary runs"));
    }

    /// Waits until it is ready. Where it ends before, it is started again, as systemd would.
    pub async fn must_be_ready(&mut self) {
        let (http, log) = (self.http(), self.log_path());
        let told = || format!("ready is {log:?}, which says: {}", fs::read_to_string(&log).unwrap_or_default());
        let look = async || {
            if self.has_ended() {
                println!("{} ended by itself:\n{}", self.name, last_lines(&self.log()));
                self.ended_itself += 1;
                self.start();
            }
            (readiness(http).await == Some(200)).then_some(())
        };
        until(PATIENCE, look, told).await;
    }

    /// What it answers to `/readyz`, where it does.
    pub async fn readiness(&self) -> Option<u16> {
        readiness(self.http()).await
    }

    /// The digest of what it holds, and the number of the change it stands for, where it answers.
    pub async fn digest(&self) -> Option<(u64, Value)> {
        let mut line = Line::open(&self.url(), ADMIN).await?;
        let answer = line.ask(&json!({"method": "getStateDigest"})).await.ok()?;
        Some((answer["seq"].as_u64()?, answer["digest"].clone()))
    }

    /// Waits until its log has a text so many times.
    pub async fn must_log(&self, said: &str, times: usize) {
        let look = async || (self.log().matches(said).count() >= times).then_some(());
        until(PATIENCE, look, || format!("`{said}` in the log: {}", self.log())).await;
    }

    /// Ends it with no chance to do anything more.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().and_then(|()| child.wait()).expect("a process can be killed");
        }
    }

    /// Sends it a signal, such as `STOP`.
    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Waits until it has ended, and gives its exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        let log = self.log_path();
        let child = self.child.as_mut().expect("it runs");
        let look = async || child.try_wait().expect("a process can be waited for");
        let status = until(PATIENCE, look, || format!("ended is what {log:?} is of")).await;
        self.child = None;
        status.code()
    }

    /// Takes its copy away, while it does not run.
    pub fn empty(&self) {
        assert!(self.child.is_none(), "{} runs", self.name);
        match fs::remove_dir_all(self.data()) {
            // It was killed before it made one.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => removed.expect("the directory can be removed"),
        }
    }

    fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| child.try_wait().expect("a process can be waited for").is_some())
    }

    fn log_path(&self) -> PathBuf {
        self.home.join("log")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn readiness(http: Http) -> Option<u16> {
    let answer = timeout(ANSWER_WAIT, http.get("/readyz").exchange()).await;
    Some(answer.ok()?.ok()?.code())
}

/// The end of a log.
fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES_TOLD)..].join("\n")
}
