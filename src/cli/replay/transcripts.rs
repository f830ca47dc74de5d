//! The files of a replay: which they are, and how they are rewritten.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Why the files cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    #[error("{0} cannot be read: {1}")]
    Directory(PathBuf, #[source] io::Error),
    #[error("{0} has no transcripts: no file ends in .jsonl, neither in it nor below")]
    Empty(PathBuf),
}

/// The files named, and those in and below the directories named, in the order of their names.
pub fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, FilesError> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        below(path, &mut files)?;
        if files.len() == before {
            return Err(FilesError::Empty(path.clone()));
        }
    }
    Ok(files)
}

fn below(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), FilesError> {
    let failed = |error| FilesError::Directory(directory.to_owned(), error);
    let entries: Result<Vec<_>, _> = fs::read_dir(directory).map_err(failed)?.collect();
    let mut paths: Vec<PathBuf> = entries.map_err(failed)?.into_iter().map(|entry| entry.path()).collect();
    paths.sort_unstable();
    for path in paths {
        if path.is_dir() {
            // A link may lead back to where it stands.
            if path.is_symlink() {
                continue;
            }
            below(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "jsonl") {
            files.push(path);
        }
    }
    Ok(())
}

/// What tells whether a file was written to.
pub fn version(path: &Path) -> io::Result<(SystemTime, u64)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.modified()?, metadata.len()))
}

/// Rewrites a file: aside first, so that a stop half-way leaves the one or the other, whole.
pub fn rewrite(path: &Path, played: (SystemTime, u64), edit: impl FnOnce(&str) -> String) -> io::Result<()> {
    // A link keeps pointing to what is rewritten.
    let path = path.canonicalize()?;
    let text = fs::read_to_string(&path)?;
    if version(&path)? != played {
        return Err(io::Error::other("it was written to while it was played; play it again"));
    }
    let edited = edit(&text);
    let mut name = path.file_name().expect("a file that was read has a name").to_owned();
    name.push(".blessed");
    let aside = path.with_file_name(name);
    // Whatever has that name is somebody's, perhaps what a stop left behind.
    let file = File::create_new(&aside).map_err(|error| {
        io::Error::new(error.kind(), format!("{} cannot be made beside it: {error}", aside.display()))
    })?;
    let permissions = fs::metadata(&path).map(|metadata| metadata.permissions());
    let written = permissions.and_then(|permissions| write(file, &edited, permissions));
    let written = written.and_then(|()| fs::rename(&aside, &path));
    if written.is_err() {
        fs::remove_file(&aside).ok();
    }
    written
}

fn write(mut file: File, text: &str, permissions: fs::Permissions) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.set_permissions(permissions)?;
    file.sync_all()
}
