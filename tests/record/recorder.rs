//! This is where the tests run `guestlist record`, and gateways of their own making behind it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use guestlist::transcript::Transcript;
use guestlist::transcript::bindings::Bindings;
use guestlist::transcript::json::Json;
use guestlist::transcript::options::ReplayOptions;
use guestlist::transcript::replay::replay;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::support::gateway;
use crate::support::process::guestlist;

/// Above anything a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A directory that goes with its test.
pub fn home() -> TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

/// A recorder in a process of its own; killed when dropped.
pub struct Recorder {
    child: Child,
    log: PathBuf,
    /// What it writes.
    pub out: PathBuf,
    /// Where bots connect.
    pub url: String,
}

impl Recorder {
    /// Records in front of a gateway, into a file in a directory.
    pub fn start(home: &TempDir, upstream: &str, args: &[&str]) -> Self {
        let (out, log) = (home.path().join("recorded.jsonl"), home.path().join("record.log"));
        let mut command = guestlist(&["record", "--upstream", upstream, "--out"]);
        command.arg(&out).args(args);
        Self::start_command(&mut command, out, log)
    }

    fn start_command(command: &mut Command, out: PathBuf, log: PathBuf) -> Self {
        let stderr = File::create(&log).expect("the log can be written");
        let mut child = command.stdout(Stdio::piped()).stderr(stderr).spawn().expect("the binary runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("the output is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("the output is text");
        let url = line.strip_prefix("recording on ").and_then(|rest| rest.split_once(" to "));
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        let url = url.unwrap_or_else(|| panic!("`{line}` is not where it listens; its log: {}", said())).0.to_owned();
        Self { child, log, out, url }
    }

    /// The host and port.
    pub fn authority(&self) -> &str {
        self.url.split('/').nth(2).expect("a URL has an authority")
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).expect("there is a log")
    }

    /// The lines so far, whole or not.
    pub fn written(&self) -> String {
        String::from_utf8(std::fs::read(&self.out).expect("there is a file")).expect("it is text")
    }

    /// Ends it in good order: the lines, and what it said.
    pub fn stop(mut self) -> (String, String) {
        let pid = self.child.id().to_string();
        let sent = Command::new("sh").args(["-c", r#"kill -s TERM "$1""#, "sh", &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "SIGTERM was sent");
        let status = self.child.wait().expect("a process can be waited for");
        assert!(status.success(), "{status}: {}", self.said());
        (self.written(), self.said())
    }

    /// Ends it with no chance to do anything more.
    pub fn kill(mut self) -> String {
        self.child.kill().and_then(|()| self.child.wait()).expect("a process can be killed");
        self.written()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).ok();
    }
}

/// A gateway of which the test itself says every byte.
pub struct StandIn(TcpListener);

impl StandIn {
    /// Listens on a free port.
    pub async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("a port is free"))
    }

    /// Listens where another one did.
    pub fn again(listener: TcpListener) -> Self {
        Self(listener)
    }

    /// Its host and port.
    pub fn authority(&self) -> String {
        self.0.local_addr().expect("it is bound").to_string()
    }

    /// Where it pretends that bots connect.
    pub fn url(&self) -> String {
        format!("ws://{}/there/?x=1", self.authority())
    }

    /// The next connection, and the head of the request it begins with.
    pub async fn accept(&self) -> (TcpStream, String) {
        let (mut stream, _) = self.0.accept().await.expect("connections come");
        let head = head(&mut stream).await;
        (stream, head)
    }

    /// The next connection, upgraded.
    pub async fn upgraded(&self) -> TcpStream {
        let (mut stream, _) = self.accept().await;
        let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.expect("the recorder reads");
        stream
    }
}

/// A client's connection of which the test itself says every byte, upgraded.
pub async fn upgrade(recorder: &Recorder) -> TcpStream {
    let (mut stream, _) = ask(recorder, "").await;
    let head = head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    stream
}

/// Asks for a WebSocket with more headers; the request is given back.
pub async fn ask(recorder: &Recorder, headers: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(recorder.authority()).await.expect("the recorder listens");
    let request = format!(
        "GET /nandbox/api/ HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n",
        recorder.authority()
    );
    stream.write_all(request.as_bytes()).await.expect("the recorder reads");
    (stream, request)
}

/// The head of a request or an answer, and not a byte more.
pub async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head has an end"));
    }
    String::from_utf8(head).expect("a head is text")
}

/// The actions of a recording, without times; `on` stays where there are several connections.
pub fn steps(lines: &str) -> Vec<String> {
    let bare = |line: &str| {
        let (_, rest) = line.split_once(r#","on":"#).expect("every line says on which connection");
        let (on, rest) = rest.split_once(',').expect("every line has an action");
        assert!(line.starts_with(r#"{"at_ms":"#) && on.starts_with("\"c"), "{line}");
        format!("{}: {{{rest}", on.trim_matches('"'))
    };
    lines.lines().map(bare).collect()
}

/// Replays a recording against a fresh gateway, given its secrets; there must be no difference.
pub async fn replayed(path: &Path, given: &[(&str, &str)]) {
    let fresh = home();
    let gateway = gateway(fresh.path()).await;
    let mut bindings = Bindings::default();
    given.iter().for_each(|(name, value)| bindings.insert(*name, Json::String((*value).to_owned())));
    let options = ReplayOptions { given: bindings, ..ReplayOptions::default() };
    let transcript = Transcript::read(path).expect("what is recorded can be read");
    let outcome = replay(&transcript, &gateway.url(), &options, &mut ()).await;
    outcome.unwrap_or_else(|error| panic!("{}", error.report(false)));
    gateway.stop().await;
}

/// A text frame as a client sends it, masked.
pub fn masked(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("short");
    assert!(length < 126);
    let mask = [7, 77, 177, 27];
    let payload = text.bytes().enumerate().map(|(index, byte)| byte ^ mask[index % 4]);
    [0x81, 0x80 | length].into_iter().chain(mask).chain(payload).collect()
}

/// A text frame as a gateway sends it.
pub fn plain(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("short");
    assert!(length < 126);
    [0x81, length].into_iter().chain(text.bytes()).collect()
}

/// Reads exactly these bytes.
pub async fn must_read(stream: &mut TcpStream, bytes: &[u8]) {
    let mut read = vec![0; bytes.len()];
    let all = timeout(PATIENCE, stream.read_exact(&mut read)).await.expect("all comes");
    all.expect("the connection holds");
    assert_eq!(read, bytes);
}

/// Sends a request and reads its answer: the head and the body.
pub async fn request(client: &mut TcpStream, line: &str, headers: &[&str], body: &str) -> (String, String) {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    let length = if body.is_empty() { String::new() } else { format!("content-length: {length}\r\n") };
    let text = format!("{line} HTTP/1.1\r\nhost: x\r\n{headers}{length}\r\n{body}");
    client.write_all(text.as_bytes()).await.expect("the recorder reads");
    let head = head(client).await;
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    client.read_exact(&mut body).await.expect("a body is as long as it says");
    (head, String::from_utf8(body).expect("it is text"))
}
