//! This is where what lies on a disk is decoded ahead, on a thread of its own, while what came before it is folded.

use std::ops::ControlFlow;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use crate::disk::Disk;

/// Items that are handed over together, so that the two threads seldom wait for each other.
const BATCH: usize = 256;

/// Batches that may lie ready.
const BATCHES_MAX: usize = 4;

/// Takes one item after another until it is told to break off. Where the disk allows it, they are made ahead.
pub fn each<T: Send, B>(
    disk: &dyn Disk,
    mut items: impl Iterator<Item = T> + Send,
    take: impl FnMut(T) -> ControlFlow<B>,
) -> ControlFlow<B> {
    if !disk.may_be_read_ahead() {
        return items.try_for_each(take);
    }
    thread::scope(|scope| {
        let (sender, batches) = sync_channel(BATCHES_MAX);
        scope.spawn(move || send(items, &sender));
        // When this is dropped, the other thread ends too.
        batches.into_iter().flatten().try_for_each(take)
    })
}

fn send<T>(mut items: impl Iterator<Item = T>, sender: &SyncSender<Vec<T>>) {
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        batch.extend(items.by_ref().take(BATCH));
        let is_last = batch.len() < BATCH;
        if sender.send(batch).is_err() || is_last {
            return;
        }
    }
}
