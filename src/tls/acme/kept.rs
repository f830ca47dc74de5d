//! This is where the account at the authority and the certificate are kept: in files that only their owner may read.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Acme, OrderError};

/// The files of one account and one certificate.
///
/// Their names tell for which authority and which hosts they are, so that one of a staging authority is not shown after a change
/// to the real one, nor one that lacks a host. Key and certificate share a file: no crash can leave half of a pair.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What the authority knows the gateway by: JSON.
    pub account: PathBuf,
    /// Key and certificate: PEM.
    pub certificate: PathBuf,
}

impl Kept {
    /// Those of what is to be certified.
    pub fn new(Acme { directory, names, contact, kept_in }: &Acme) -> Self {
        let account = name([directory].into_iter().chain(contact));
        let certificate = name([directory].into_iter().chain(names));
        Self {
            account: kept_in.join(format!("account-{account}.json")),
            certificate: kept_in.join(format!("certificate-{certificate}.pem")),
        }
    }
}

/// What a file holds, if it is there.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, OrderError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(OrderError::Kept(path.to_owned(), error)),
    }
}

/// Has a file hold this, or what it held before.
pub async fn write(path: &Path, bytes: Vec<u8>) -> Result<(), OrderError> {
    let to = path.to_owned();
    let written = tokio::task::spawn_blocking(move || replace(&to, &bytes)).await;
    written.expect("writing files does not panic").map_err(|error| OrderError::Kept(path.to_owned(), error))
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().expect("what is kept is kept in a directory");
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let aside = path.with_extension("new");
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    File::open(directory)?.sync_all()
}

/// Half of a digest: enough for no two to be the same.
fn name<'a>(parts: impl Iterator<Item = &'a String>) -> String {
    let hash = parts.fold(Sha256::new(), |hash, part| hash.chain_update(part).chain_update([0]));
    hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}
