//! This is where tests get etcd: one member on loopback, or three on hosts of their own, to be killed and started again.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::hosts::Host;
use super::wait::blocking_until;
use crate::support::process::signal;

/// Above anything that members need to find each other and choose a leader.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long one question to a member may take; one that has no leader lets its clients wait.
const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// Some members that keep one store; killed when dropped.
pub struct Etcd {
    members: Vec<Member>,
}

/// One of them.
struct Member {
    name: String,
    directory: PathBuf,
    host: Host,
    client: SocketAddrV4,
    peer: SocketAddrV4,
    child: Option<Child>,
}

impl Etcd {
    /// One member on loopback, ready.
    pub fn start_one(directory: &Path) -> Self {
        Self::start(directory, vec![Host::loopback()])
    }

    /// A member on each host, ready. Each keeps its data, and its log, in a directory of its own below this one.
    pub fn start(directory: &Path, hosts: Vec<Host>) -> Self {
        let member = |(n, host): (usize, Host)| {
            let [client, peer] = host.free_ports();
            let name = format!("etcd{}", n + 1);
            Member { directory: directory.join(&name), name, host, client, peer, child: None }
        };
        let mut etcd = Self { members: hosts.into_iter().enumerate().map(member).collect() };
        (0..etcd.len()).for_each(|n| etcd.restart(n));
        etcd.must_serve();
        etcd
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Where all members answer, as `127.0.0.1:2379,127.0.0.1:2380`.
    pub fn endpoints(&self) -> String {
        self.members.iter().map(|member| member.client.to_string()).collect::<Vec<_>>().join(",")
    }

    /// The host that a member runs on.
    pub fn host(&self, member: usize) -> &Host {
        &self.members[member].host
    }

    /// Ends a member with no chance to do anything more.
    pub fn kill(&mut self, member: usize) {
        if let Some(mut child) = self.members[member].child.take() {
            child.kill().and_then(|()| child.wait()).expect("a process can be killed");
        }
    }

    /// Sends a member a signal, such as `STOP`.
    pub fn signal(&self, member: usize, name: &str) {
        signal(self.members[member].child.as_ref().expect("it runs").id(), name);
    }

    /// Starts a member on the data it has, and does not wait until it is ready.
    pub fn restart(&mut self, member: usize) {
        let name_all = |member: &Member| format!("{}=http://{}", member.name, member.peer);
        let all = self.members.iter().map(name_all).collect::<Vec<_>>().join(",");
        self.members[member].start(&all);
    }

    /// Waits until every member answers, and has a leader.
    pub fn must_serve(&self) {
        for member in &self.members {
            let told = || format!("{} does not answer; its log: {}", member.name, member.log());
            blocking_until(PATIENCE, || member.is_well().then_some(()), told);
        }
    }

    /// The newest revision of the store.
    pub fn revision(&self) -> u64 {
        let answer = self.ask("/v3/kv/range", &json!({"key": BASE64_STANDARD.encode("\0"), "count_only": true}));
        let revision = answer["header"]["revision"].as_str().and_then(|revision| revision.parse().ok());
        revision.unwrap_or_else(|| panic!("no revision in {answer}"))
    }

    /// Forgets all revisions before this one.
    pub fn compact(&self, revision: u64) {
        self.ask("/v3/kv/compaction", &json!({"revision": revision, "physical": true}));
    }

    /// Asks any member that answers.
    fn ask(&self, path: &str, body: &Value) -> Value {
        let asked = body.to_string();
        let look = || self.members.iter().find_map(|member| member.ask("POST", path, &asked).ok());
        blocking_until(PATIENCE, look, || format!("no member answers to {path} {body}"))
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        (0..self.len()).for_each(|member| self.kill(member));
    }
}

impl Member {
    fn start(&mut self, all: &str) {
        fs::create_dir_all(&self.directory).expect("the directory can be written");
        let log = File::options().create(true).append(true).open(self.log_path()).expect("the log can be written");
        let data = self.directory.join("data");
        let (client, peer) = (format!("http://{}", self.client), format!("http://{}", self.peer));
        let mut command = self.host.command("etcd");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ETCD")) {
            command.env_remove(name);
        }
        command.args(["--name", &self.name, "--data-dir", data.to_str().expect("paths of tests are text")]);
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", all, "--initial-cluster-token", "guestlist"]);
        command.args(["--logger", "zap", "--log-outputs", "stderr", "--log-level", "warn"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        self.child = Some(child.expect("etcd runs; Debian has it as `etcd-server`"));
    }

    fn is_well(&self) -> bool {
        self.ask("GET", "/health", "").is_ok_and(|answer| answer["health"] == "true")
    }

    /// Asks over HTTP, which etcd's own library for it would make no shorter.
    fn ask(&self, method: &str, path: &str, body: &str) -> std::io::Result<Value> {
        let mut stream = TcpStream::connect_timeout(&self.client.into(), ANSWER_WAIT)?;
        stream.set_read_timeout(Some(ANSWER_WAIT))?;
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.0\r\nHost: {}\r\nContent-Length: {length}\r\n\r\n{body}", self.client)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        if head.split(' ').nth(1) != Some("200") {
            return Err(std::io::Error::other(answer));
        }
        serde_json::from_str(body).map_err(std::io::Error::other)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.directory.join("log")
    }
}
