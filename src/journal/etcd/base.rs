//! This is where it is read what a gateway begins with: which journal it is, the newest snapshot, and what was removed before it.

use std::io::{self, Read};
use std::sync::Arc;

use etcd_client::{Compare, CompareOp, DeleteOptions, GetOptions, PutOptions, Txn, TxnOp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::keys::Keys;
use super::link::{CallError, Link, got, signed, unsigned};
use crate::config::{ETCD_BYTES_MAX, SNAPSHOT_PART_IN_ETCD_BYTES};
use crate::disk::Disk;
use crate::journal::checked;
use crate::journal::directory::{Numbered, SNAPSHOT_ASIDE};
use crate::snapshot::{self, Trailer};

/// What is in etcd beside batches, as of one revision.
#[derive(Clone)]
pub struct Base {
    /// Which journal it is.
    pub id: Uuid,
    /// The key that sessions of the page are signed with.
    pub cookie_key: String,
    /// The newest snapshot.
    pub snapshot: Option<Manifest>,
    /// Up to which revision batches were removed.
    pub trimmed: u64,
    /// The revision that the journal has reached.
    pub head: u64,
    /// The revision as of which that is so.
    pub as_of: u64,
}

/// Where a snapshot is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The revision up to which the journal is in it.
    pub revision: u64,
    /// The last entry in it.
    pub seq: u64,
    /// What the keys of its parts begin with.
    pub parts: String,
    /// How many there are.
    pub count: usize,
    /// Bytes of all of them.
    pub bytes: u64,
}

/// Why a snapshot was not brought to etcd, or from there.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// etcd.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The disk.
    #[error("the snapshot cannot be written or read: {0}")]
    Io(#[from] io::Error),
    /// Something in etcd that no gateway put there.
    #[error("`{0}` in etcd is not what a gateway put there: {1}")]
    Strange(String, String),
    /// A part is gone, as happens where a newer snapshot came meanwhile.
    #[error("a part of the snapshot is gone")]
    Gone,
    /// The file was not made of a shared journal.
    #[error("the snapshot does not say which revision of the journal it is of")]
    NoRevision,
}

impl Base {
    /// Reads it; where nothing is there yet, this gateway is the first, and gives the journal its name, and a key for sessions.
    pub async fn read(link: &Link, keys: &Keys, new_cookie_key: &str) -> Result<Self, BaseError> {
        let id = keys.id();
        let found = Txn::new().when([Compare::create_revision(id.clone(), CompareOp::Equal, 0)]).and_then([
            TxnOp::put(id.clone(), Uuid::new_v4().to_string(), None),
            TxnOp::put(keys.cookie_key(), new_cookie_key, None),
        ]);
        link.txn(found).await?;
        let names = [id, keys.cookie_key(), keys.snapshot(), keys.trimmed(), keys.head()];
        let gets = names.iter().map(|key| TxnOp::get(key.clone(), None)).collect::<Vec<_>>();
        let response = link.txn(Txn::new().and_then(gets)).await?;
        let found = got(&response);
        let text = |index: usize| found.get(index).and_then(|found| found.kvs().first()?.value_str().ok());
        let strange = |index: usize, what: &str| BaseError::Strange(names[index].clone(), what.to_owned());
        let missing = |index| strange(index, "it is missing");
        let snapshot = text(2).map(serde_json::from_str).transpose();
        Ok(Self {
            id: text(0).ok_or_else(|| missing(0))?.parse().map_err(|_| strange(0, "it is no id"))?,
            cookie_key: text(1).ok_or_else(|| missing(1))?.to_owned(),
            snapshot: snapshot.map_err(|error: serde_json::Error| strange(2, &error.to_string()))?,
            trimmed: text(3).map_or(Ok(0), str::parse).map_err(|_| strange(3, "it is no revision"))?,
            head: found.get(4).and_then(|head| head.kvs().first()).map_or(0, |head| unsigned(head.mod_revision())),
            as_of: response.header().map_or(0, |header| unsigned(header.revision())),
        })
    }
}

/// Brings a snapshot from etcd to a disk, whole or not at all.
pub async fn fetch(link: &Link, manifest: &Manifest, as_of: u64, disk: &dyn Disk) -> Result<(), BaseError> {
    let mut file = disk.create(SNAPSHOT_ASIDE)?;
    for number in 0..manifest.count {
        let options = GetOptions::new().with_revision(signed(as_of));
        let key = part(&manifest.parts, number);
        let found = link.call(async |client| {
            client.kv_client().max_decoding_message_size(ETCD_BYTES_MAX).get(key, Some(options)).await
        });
        let found = found.await?;
        let part = found.kvs().first().ok_or(BaseError::Gone)?;
        file.write_all(part.value())?;
        file.sync()?;
    }
    drop(file);
    Ok(snapshot::name(disk, manifest.seq)?)
}

/// Brings a snapshot from a disk to etcd, and makes it the newest there; says whether another was newer.
pub async fn store(
    link: &Link,
    keys: &Keys,
    disk: &Arc<dyn Disk>,
    file: &Numbered,
) -> Result<Option<Manifest>, BaseError> {
    let parts = keys.parts_of(file.seq);
    let mut reader = disk.read(&file.name)?;
    let (mut count, mut bytes, mut end) = (0, 0, Vec::new());
    loop {
        let mut value = Vec::with_capacity(SNAPSHOT_PART_IN_ETCD_BYTES);
        let limit = u64::try_from(SNAPSHOT_PART_IN_ETCD_BYTES).expect("a length fits into 64 bits");
        reader.by_ref().take(limit).read_to_end(&mut value)?;
        if value.is_empty() {
            break;
        }
        end.extend_from_slice(&value);
        end.drain(..end.len().saturating_sub(SNAPSHOT_PART_IN_ETCD_BYTES));
        bytes += u64::try_from(value.len()).expect("a length fits into 64 bits");
        let key = part(&parts, count);
        link.call(async |mut client| client.put(key, value, None::<PutOptions>).await).await?;
        count += 1;
        // Batches want the way too.
        tokio::task::yield_now().await;
    }
    let revision = trailer(&end).and_then(|trailer| trailer.revision).ok_or(BaseError::NoRevision)?;
    let manifest = Manifest { revision, seq: file.seq, parts, count, bytes };
    publish(link, keys, &manifest).await.map(|is_newest| is_newest.then_some(manifest))
}

/// Makes a snapshot the newest, unless another is newer; what it replaces is removed.
async fn publish(link: &Link, keys: &Keys, manifest: &Manifest) -> Result<bool, BaseError> {
    let key = keys.snapshot();
    loop {
        let found = link.call(async |mut client| client.get(key.clone(), None).await).await?;
        let (standing, as_of) = match found.kvs().first() {
            Some(standing) => (serde_json::from_slice::<Manifest>(standing.value()).ok(), standing.mod_revision()),
            None => (None, 0),
        };
        if standing.as_ref() == Some(manifest) {
            // It was done, and the answer was lost.
            return Ok(true);
        }
        let is_newest = standing.is_none_or(|standing| standing.seq < manifest.seq);
        let then = if is_newest {
            let text = serde_json::to_string(manifest).expect("a manifest has texts for names");
            // Older parts, of whichever snapshot, are of no use.
            let older = DeleteOptions::new().with_range(manifest.parts.clone());
            vec![TxnOp::put(key.clone(), text, None), TxnOp::delete(keys.parts(), Some(older))]
        } else {
            vec![TxnOp::delete(manifest.parts.clone(), Some(DeleteOptions::new().with_prefix()))]
        };
        let txn = Txn::new().when([Compare::mod_revision(key.clone(), CompareOp::Equal, as_of)]).and_then(then);
        if link.txn(txn).await?.succeeded() {
            return Ok(is_newest);
        }
    }
}

/// The key of a part of a snapshot.
pub fn part(parts: &str, number: usize) -> String {
    format!("{parts}{number:08}")
}

fn trailer(end: &[u8]) -> Option<Trailer> {
    let last = end.strip_suffix(b"\n")?.rsplit(|byte| *byte == b'\n').next()?;
    serde_json::from_str(checked(last).ok()?).ok()
}
