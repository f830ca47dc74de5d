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

    /// Runs `serve` on the data here.
    pub fn serve(&self, args: &[&str]) -> Served {
        Served::start(&self.path("data"), &self.path("log"), args)
    }
}
