//! This is where a journal is moved: from a directory into etcd, for several gateways to share it, and from there into a directory.
//!
//! What moves is the state, as a snapshot, with the number of its last entry, so that the entries go on where they were. The journal
//! before it stays where it is.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use etcd_client::GetOptions;

use crate::config::SNAPSHOT_PART_IN_ETCD_BYTES;
use crate::dashboard::CookieKey;
use crate::disk::Disk;
use crate::fold::fold;
use crate::journal::Entry;
use crate::journal::directory::{self, DataDir, Numbered, OpenError, SNAPSHOT_ASIDE, snapshot_name};
use crate::journal::etcd::{Base, BaseError, Batches, CallError, Keys, Link, Location, Manifest, fetch, part, store};
use crate::journal::read::ReadError;
use crate::journal::shared::read_offered;
use crate::recovery;
use crate::snapshot;
use crate::state::Reached;
use crate::state::digest::Digest;

/// What was moved.
#[derive(Debug)]
pub struct Moved {
    /// The last entry.
    pub seq: u64,
    /// Records of the state after it.
    pub records: u64,
    /// Bytes of its snapshot.
    pub bytes: u64,
    /// Its digest.
    pub digest: Digest,
    /// Gateways that live there still, and may go on to change it.
    pub gateways: i64,
}

/// Why nothing was moved.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The directory cannot be had.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What lies in it cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// etcd.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// etcd.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The disk.
    #[error("{0} cannot be written: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// There is a journal already.
    #[error("{0} holds a journal already; name another prefix, or remove it with `etcdctl del --prefix {1}/`")]
    Taken(Box<Location>, String),
    /// There is none.
    #[error("{0} holds no journal; see to the prefix")]
    Nothing(Box<Location>),
    /// The directory has something in it.
    #[error("{0} holds a journal already; name another directory")]
    NotEmpty(PathBuf),
    /// The directory has nothing in it.
    #[error("{0} holds no journal")]
    Empty(PathBuf),
    /// What was read back is something else.
    #[error(
        "part {0} of the snapshot was read back from etcd as something else than what was written; nothing may be begun from it"
    )]
    Differs(usize),
    /// A batch cannot be folded.
    #[error("the batch of revision {0} {1}; where a newer gateway wrote it, take a newer guestlist")]
    Batch(i64, String),
    /// Somebody else was there.
    #[error("a gateway began a journal there at that moment; stop it, and begin again with another prefix")]
    Begun,
    /// What is needed was removed on the way.
    #[error("batches were removed from etcd on the way, for a newer snapshot has them; try again")]
    Trimmed,
}

/// Moves the journal of a directory to where none is in etcd. No gateway may run on either.
pub async fn to_etcd(from: &Path, to: Location) -> Result<Moved, MigrationError> {
    let directory = DataDir::open_own(from)?;
    let disk: Arc<dyn Disk> = Arc::new(directory.disk());
    let failed = |error| MigrationError::Io(from.to_owned(), error);
    let recovery::Recovered { mut writer, refused, .. } = recovery::recover(&*disk)?;
    let settled = writer.settle();
    if settled.seq == 0 {
        return Err(MigrationError::Empty(from.to_owned()));
    }
    let (keys, link) = (Keys::new(to.prefix()), Link::new(to.clone()));
    if count(&link, format!("{}/", to.prefix())).await? > 0 {
        return Err(MigrationError::Taken(Box::new(to.clone()), to.prefix().to_owned()));
    }
    let base = Base::read(&link, &keys, &CookieKey::passing().shown()).await?;
    writer.note_reached(Reached { revision: base.as_of, seq: settled.seq });
    let written = snapshot::write(&*disk, settled.seq, &writer, &refused, || ()).map_err(failed)?;
    let file = Numbered { seq: settled.seq, name: SNAPSHOT_ASIDE.to_owned() };
    let stored = store(&link, &keys, &disk, &file).await;
    let verified = match stored {
        Ok(Some(manifest)) => verify(&link, &manifest, &*disk).await,
        Ok(None) => Err(MigrationError::Begun),
        Err(error) => Err(error.into()),
    };
    disk.remove(SNAPSHOT_ASIDE).map_err(failed)?;
    verified?;
    let after = Base::read(&link, &keys, &CookieKey::passing().shown()).await?;
    if after.head > 0 {
        return Err(MigrationError::Begun);
    }
    let gateways = count(&link, keys.gateways()).await?;
    let snapshot::Trailer { records, bytes, .. } = written;
    Ok(Moved { seq: settled.seq, records, bytes, digest: settled.digest, gateways })
}

/// Moves what is in etcd, as it is now, to an empty directory.
pub async fn from_etcd(from: Location, to: &Path) -> Result<Moved, MigrationError> {
    let directory = DataDir::open_own(to)?;
    let disk = directory.disk();
    let failed = |error| MigrationError::Io(to.to_owned(), error);
    let files = directory::files(&disk).map_err(failed)?;
    if !files.segments.is_empty() || !files.snapshots.is_empty() {
        return Err(MigrationError::NotEmpty(to.to_owned()));
    }
    let (keys, link) = (Keys::new(from.prefix()), Link::new(from.clone()));
    if count(&link, keys.id()).await? == 0 {
        return Err(MigrationError::Nothing(Box::new(from)));
    }
    let base = Base::read(&link, &keys, &CookieKey::passing().shown()).await?;
    if let Some(manifest) = &base.snapshot {
        fetch(&link, manifest, base.as_of, &disk).await?;
    }
    let recovery::Recovered { mut writer, mut refused, .. } = recovery::recover(&disk)?;
    let reached = writer.reached().map_or(0, |reached| reached.revision);
    if reached < base.trimmed {
        return Err(MigrationError::Trimmed);
    }
    let as_of = i64::try_from(base.as_of).unwrap_or(i64::MAX);
    let mut batches = Batches::after(&link, &keys, reached, as_of).await?;
    loop {
        let some = batches.next().await?;
        if some.is_empty() {
            break;
        }
        for batch in &some {
            let wrong = |what| MigrationError::Batch(batch.mod_revision(), what);
            for offered in read_offered(batch.value()) {
                let offered = offered.map_err(wrong)?;
                let (seq, at_ms) = (writer.state().folded() + 1, offered.at_ms.max(writer.state().at_ms()));
                let (by, change) = (offered.by, offered.change().map_err(wrong)?);
                let entry = Entry { seq, at_ms, by, change, revision: None };
                if fold(&mut writer, entry, &mut Vec::new()).is_err() {
                    refused.push(seq);
                }
            }
        }
    }
    let settled = writer.settle();
    let written = snapshot::write(&disk, settled.seq, &writer, &refused, || ()).map_err(failed)?;
    snapshot::name(&disk, settled.seq).map_err(failed)?;
    if let Some(manifest) = base.snapshot.filter(|manifest| manifest.seq < settled.seq) {
        disk.remove(&snapshot_name(manifest.seq)).map_err(failed)?;
    }
    directory.settle()?;
    let gateways = count(&link, keys.gateways()).await?;
    Ok(Moved { seq: settled.seq, records: written.records, bytes: written.bytes, digest: settled.digest, gateways })
}

/// How many keys begin with a prefix.
async fn count(link: &Link, prefix: String) -> Result<i64, CallError> {
    let options = GetOptions::new().with_prefix().with_count_only();
    Ok(link.call(async |mut client| client.get(prefix, Some(options)).await).await?.count())
}

/// Reads a snapshot back and holds it against the file that it was made of.
async fn verify(link: &Link, manifest: &Manifest, disk: &dyn Disk) -> Result<(), MigrationError> {
    let failed = |error| MigrationError::Io(disk.path().to_owned(), error);
    let mut reader = disk.read(SNAPSHOT_ASIDE).map_err(failed)?;
    for number in 0..manifest.count {
        let mut wanted = Vec::with_capacity(SNAPSHOT_PART_IN_ETCD_BYTES);
        let limit = u64::try_from(SNAPSHOT_PART_IN_ETCD_BYTES).expect("a length fits into 64 bits");
        reader.by_ref().take(limit).read_to_end(&mut wanted).map_err(failed)?;
        let key = part(&manifest.parts, number);
        let found = link.call(async |mut client| client.get(key, None).await).await?;
        if found.kvs().first().map(|part| part.value()) != Some(&wanted) {
            return Err(MigrationError::Differs(number));
        }
    }
    Ok(())
}
