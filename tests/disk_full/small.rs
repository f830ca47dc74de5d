//! A file system of a few MiB, which only a process of its own has mounted and which goes with it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Mounts, says so, and stays until its input ends.
const MOUNT: &str = r#"mount -t tmpfs -o "size=$1" tmpfs "$2" && echo mounted && exec cat"#;

/// A small file system.
pub struct Small {
    keeper: Child,
    _mounted_on: TempDir,
    path: PathBuf,
    bytes: u64,
}

impl Small {
    /// One of so many bytes; none, and a loud word about it, where the system does not let this process mount.
    pub fn new(bytes: u64) -> Option<Self> {
        // As root without a namespace of users, which containers often forbid; else with one.
        let small = ["-m", "-rm"].into_iter().find_map(|namespaces| Self::mounted(namespaces, bytes));
        if small.is_none() {
            eprintln!("NOT TESTED: this system lets nobody mount a small tmpfs; run as root, or allow user namespaces");
        }
        small
    }

    fn mounted(namespaces: &str, bytes: u64) -> Option<Self> {
        let mounted_on = TempDir::new().expect("a temporary directory");
        let mut command = Command::new("unshare");
        command.args([namespaces, "sh", "-c", MOUNT, "sh", &bytes.to_string()]).arg(mounted_on.path());
        let mut keeper = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let mut said = String::new();
        BufReader::new(keeper.stdout.take()?).read_line(&mut said).expect("a shell writes text");
        if said.trim() != "mounted" {
            keeper.wait().expect("a process can be waited for");
            return None;
        }
        let path = format!("/proc/{}/root{}", keeper.id(), mounted_on.path().display()).into();
        Some(Self { keeper, _mounted_on: mounted_on, path, bytes })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes space away until so many bytes are left of it all, as far as there is so much.
    pub fn leave(&self, bytes: u64) {
        let mut ballast = fs::File::create(self.ballast()).expect("an empty file takes no space");
        let mut left = self.bytes.saturating_sub(bytes);
        while left > 0 {
            let piece = left.min(4 << 10);
            if ballast.write_all(&vec![0; usize::try_from(piece).expect("pieces are small")]).is_err() {
                return;
            }
            left -= piece;
        }
    }

    /// Gives all of that back.
    pub fn free(&self) {
        fs::remove_file(self.ballast()).expect("there is ballast");
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        self.keeper.kill().and_then(|()| self.keeper.wait()).ok();
    }
}
