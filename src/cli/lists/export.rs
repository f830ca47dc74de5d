//! `guestlist export`: writes who is on a list.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use guestlist::rows::{Format, RowsError, Writer};

use super::list::{ListError, Which, walk};
use crate::cli::talk::Gateway;
use crate::cli::{failed, runtime};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Export {
    #[command(flatten)]
    which: Which,
    /// The file; written whole or not at all [default: to stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The file's form [default: by its name, else csv]
    #[arg(long)]
    format: Option<Format>,
    #[command(flatten)]
    gateway: Gateway,
}

const EXAMPLES: &str = "\
People are written in the order in which they came onto the list, so that two exports of the same list are the same.
`guestlist import` reads the file.

Examples:
  guestlist export --app 90090684293000559 --list whitelist --out guests.csv
  guestlist export --app 90090684293000559 --list blacklist --format jsonl | grep example.com";

#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    List(#[from] ListError),
    #[error("{0} cannot be written: {1}")]
    Write(PathBuf, #[source] RowsError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Export {
    pub fn run(self) -> ExitCode {
        match self.export() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(error),
        }
    }

    fn export(&self) -> Result<(), ExportError> {
        let Some(path) = &self.out else {
            return self.written(io::stdout().lock(), Path::new("the output")).map(drop);
        };
        // Beside the file, for a rename to be one.
        let aside = PathBuf::from(format!("{}.part", path.display()));
        let failed = |error: io::Error| ExportError::Write(path.clone(), error.into());
        let file = File::create(&aside).map_err(failed)?;
        let written = self.written(file, path).and_then(|file| file.sync_all().map_err(failed));
        let written = written.and_then(|()| fs::rename(&aside, path).map_err(failed));
        written.inspect_err(|_| drop(fs::remove_file(&aside)))
    }

    fn written<W: Write>(&self, file: W, path: &Path) -> Result<W, ExportError> {
        let failed = |error| ExportError::Write(path.to_owned(), error);
        let format = self.format.or_else(|| Format::of(path)).unwrap_or(Format::Csv);
        let mut writer = Writer::new(BufWriter::new(file), format).map_err(failed)?;
        let mut wrong = None;
        runtime()?.block_on(async {
            let mut talk = self.gateway.sign_in().await.map_err(ListError::from)?;
            let take = |signup| {
                if wrong.is_none() {
                    wrong = writer.write(&signup).err();
                }
            };
            walk(&mut talk, &self.which, take).await?;
            talk.close().await;
            Ok::<_, ListError>(())
        })?;
        wrong.map_or(Ok(()), |error| Err(failed(error)))?;
        let file = writer.finish().map_err(failed)?;
        file.into_inner().map_err(|error| failed(error.into_error().into()))
    }
}
