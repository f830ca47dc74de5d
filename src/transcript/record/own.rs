//! The recording that a gateway makes of itself: a file a start, and never a reason to stop serving.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::{Recorder, Recording, Rules};
use crate::config::RECORDING_BYTES_MAX;

/// A gateway's recording of itself.
#[derive(Debug)]
pub struct Own {
    recorder: Recorder,
    watched: JoinHandle<()>,
}

impl Own {
    /// Begins a recording in a directory, in a file named after the time.
    pub fn start(directory: &Path) -> io::Result<Own> {
        fs::create_dir_all(directory)?;
        let (path, file) = create(directory)?;
        let nothing_waits = false;
        let mut recording = Recording::start(file, Rules::default(), Some(RECORDING_BYTES_MAX), nothing_waits)?;
        let recorder = recording.recorder();
        tracing::info!(file = %path.display(), "what reaches the gateway is recorded, without secrets");
        let watched = tokio::spawn(async move {
            let (summary, ended) = recording.ended().await;
            let file = path.display();
            match ended {
                Ok(()) => {
                    tracing::info!(%file, sent = summary.sent, received = summary.received, "the recording is whole")
                }
                Err(error) => tracing::warn!(%file, %error, "recording has ended; the gateway goes on without"),
            }
        });
        Ok(Own { recorder, watched })
    }

    /// What there is to record goes there.
    pub fn recorder(&self) -> Recorder {
        self.recorder.clone()
    }

    /// Ends it, and waits until it is written.
    pub async fn stop(self) {
        self.recorder.stop();
        self.watched.await.ok();
    }
}

/// Two starts within a millisecond get two files.
fn create(directory: &Path) -> io::Result<(PathBuf, File)> {
    loop {
        let name = Timestamp::now().strftime("%Y%m%dT%H%M%S%.3fZ.jsonl").to_string();
        let path = directory.join(name);
        match File::create_new(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return created.map(|file| (path, file)),
        }
    }
}
