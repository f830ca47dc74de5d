//! A directory for a test: a gateway's data and log, and files to give it.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::process::Served;

/// A directory that is removed in the end.
pub struct Home(TempDir);

impl Home {
    /// An empty one.
    pub fn new() -> Self {
        Self(TempDir::new().expect("a temporary directory"))
    }

    /// Where a file of it is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The same, for a command line.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("paths of tests are text").to_owned()
    }

    /// Writes a file, and says where it is.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).expect("files can be written");
        self.text(name)
    }

    /// What a gateway logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).expect("there is a log")
    }

    /// Finds no file of the data here that has a text in it.
    pub fn must_not_hold(&self, secret: &str) {
        for entry in fs::read_dir(self.path("data")).expect("it can be read") {
            let path = entry.expect("it can be read").path();
            let bytes = fs::read(&path).expect("it can be read");
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds {secret}", path.display());
        }
    }

    /// Runs `serve` on the data here.
    pub fn serve(&self, args: &[&str]) -> Served {
        Served::start(&self.path("data"), &self.path("log"), args)
    }
}
