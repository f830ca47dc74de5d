//! This is where the integration tests run the binary itself.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Above anything a command needs, so that one that hangs fails its test.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a command ended, and what it said.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained or logged.
    pub stderr: String,
}

/// The binary, in an environment that configures nothing.
pub fn guestlist(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guestlist"));
    command.args(args).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GUESTLIST_")) {
        command.env_remove(name);
    }
    command
}

/// The same under a limit that the shell sets, such as `ulimit -n 256`.
pub fn guestlist_under(limit: &str, args: &[&str]) -> Command {
    around("sh", &["-c", &format!(r#"{limit} && exec "$@""#), "sh"], args)
}

/// The same, run by a program that takes it as its last arguments.
pub fn around(program: &str, before: &[&str], args: &[&str]) -> Command {
    let plain = guestlist(args);
    let mut command = Command::new(program);
    command.args(before).arg(plain.get_program()).args(plain.get_args()).stdin(Stdio::null());
    for (name, _) in plain.get_envs().filter(|(_, value)| value.is_none()) {
        command.env_remove(name);
    }
    command
}

/// Runs the binary to its end.
pub fn run(args: &[&str]) -> Ran {
    ran(&mut guestlist(args))
}

/// Runs a command to its end.
pub fn ran(command: &mut Command) -> Ran {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let (pid, (done, output)) = (child.id(), mpsc::channel());
    let waiting = thread::spawn(move || done.send(child.wait_with_output()));
    let Ok(output) = output.recv_timeout(PATIENCE) else {
        signal(pid, "KILL");
        waiting.join().expect("waiting does not panic").ok();
        panic!("{command:?} did not end");
    };
    let output = output.expect("the binary can be waited for");
    let text = |bytes| String::from_utf8(bytes).expect("the binary writes text");
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Sends a signal, such as `TERM`.
pub fn signal(pid: u32, name: &str) {
    // The shell's own kill: a small Debian has no program of that name.
    let sent = Command::new("sh").args(["-c", r#"kill -s "$1" "$2""#, "sh", name, &pid.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "SIG{name} was not sent");
}

/// A gateway in a process of its own; killed when dropped.
pub struct Served {
    child: Child,
    stdout: BufReader<ChildStdout>,
    log: PathBuf,
    /// Where bots connect.
    pub url: String,
}

impl Served {
    /// Runs `serve` on a free port, with more arguments, until it is ready; its log is appended to a file.
    pub fn start(data: &Path, log: &Path, args: &[&str]) -> Self {
        let data = data.to_str().expect("paths of tests are text");
        let mut command = guestlist(&["serve", "--listen", "127.0.0.1:0", "--data", data]);
        Self::start_command(command.args(args), log)
    }

    /// The same with a command made elsewhere.
    pub fn start_command(command: &mut Command, log: &Path) -> Self {
        let stderr = File::options().create(true).append(true).open(log).expect("the log can be written");
        let mut child = command.stdout(Stdio::piped()).stderr(stderr).spawn().expect("the binary runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("the output is a pipe"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("the output is text");
        let url = ["listening on ", "mocking on "].into_iter().find_map(|said| line.trim_end().strip_prefix(said));
        let url = url.map(str::to_owned);
        let said = || std::fs::read_to_string(log).unwrap_or_default();
        let url = url.unwrap_or_else(|| panic!("`{line}` is not where it listens; its log: {}", said()));
        Self { child, stdout, log: log.to_owned(), url }
    }

    /// Ends it with no chance to do anything more.
    pub fn kill(mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("a process can be killed");
    }

    /// Tells it to read again what may have changed outside.
    pub fn hang_up(&self) {
        signal(self.child.id(), "HUP");
    }

    /// Waits until its log has a text.
    pub fn must_log(&self, said: &str) {
        let deadline = Instant::now() + PATIENCE;
        let log = || std::fs::read_to_string(&self.log).unwrap_or_default();
        while !log().contains(said) {
            assert!(Instant::now() < deadline, "`{said}` was not logged: {}", log());
            thread::yield_now();
        }
    }

    /// Ends it in good order; its output is what came after the first line, its log what all that used the same file said.
    pub fn stop(self) -> Ran {
        signal(self.child.id(), "TERM");
        self.rest()
    }

    /// Waits until it ends by itself.
    pub fn rest(mut self) -> Ran {
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).expect("the output is text");
        let code = self.child.wait().expect("a process can be waited for").code();
        let stderr = std::fs::read_to_string(&self.log).expect("there is a log");
        Ran { code, stdout, stderr }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).ok();
    }
}
