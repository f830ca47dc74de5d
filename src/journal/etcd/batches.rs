//! This is where batches are read that are still in etcd, without a watch: as of one revision, in their order.

use etcd_client::{GetOptions, GetResponse, KeyValue, Txn, TxnOp};

use super::keys::Keys;
use super::link::{CallError, Link, got, signed};
use crate::config::{BRIDGE_BATCHES_AT_ONCE, ETCD_BYTES_MAX};

/// Batches after a revision, as they are as of another.
pub struct Batches<'a> {
    link: &'a Link,
    as_of: i64,
    /// Their keys, the last first.
    left: Vec<(i64, Vec<u8>)>,
}

impl<'a> Batches<'a> {
    /// Finds out which there are.
    pub async fn after(link: &'a Link, keys: &Keys, after: u64, as_of: i64) -> Result<Self, CallError> {
        let options = GetOptions::new()
            .with_prefix()
            .with_keys_only()
            .with_revision(as_of)
            .with_min_create_revision(signed(after + 1));
        let found = link.call(async |client| {
            client.kv_client().max_decoding_message_size(ETCD_BYTES_MAX).get(keys.batches(), Some(options)).await
        });
        let mut left: Vec<(i64, Vec<u8>)> =
            found.await?.kvs().iter().map(|batch| (batch.create_revision(), batch.key().to_vec())).collect();
        left.sort_unstable_by(|one, another| another.cmp(one));
        Ok(Self { link, as_of, left })
    }

    /// How many are still to be read.
    pub fn left(&self) -> usize {
        self.left.len()
    }

    /// Reads the next of them; none at the end.
    pub async fn next(&mut self) -> Result<Vec<KeyValue>, CallError> {
        let some = self.left.len().saturating_sub(BRIDGE_BATCHES_AT_ONCE);
        let options = || Some(GetOptions::new().with_revision(self.as_of));
        let gets: Vec<TxnOp> =
            self.left[some..].iter().rev().map(|(_, key)| TxnOp::get(key.clone(), options())).collect();
        if gets.is_empty() {
            return Ok(Vec::new());
        }
        let gets = Txn::new().and_then(gets);
        let response =
            self.link.call(async |client| client.kv_client().max_decoding_message_size(ETCD_BYTES_MAX).txn(gets).await);
        let read = got(&response.await?).iter_mut().flat_map(GetResponse::take_kvs).collect();
        self.left.truncate(some);
        Ok(read)
    }
}
