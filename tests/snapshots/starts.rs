//! A gateway that is killed soon after each start, or on which nobody changes anything, comes to its snapshot all the same.

use guestlist::config::Limits;
use guestlist::disk::SimulatedDisk;
use guestlist::journal::directory::files;
use guestlist::journal::file::Durability;
use guestlist::recovery::recover;

use crate::support::engine::{Life, Op, expected, runtime, whitelist};

async fn life(disk: &SimulatedDisk, snapshot_every: u64) -> Life {
    Life::begin(disk, Durability::Sync, snapshot_every, Limits::default()).expect("what lies there is whole")
}

fn snapshots(disk: &SimulatedDisk) -> Vec<u64> {
    files(disk).expect("there are names").snapshots.into_iter().map(|snapshot| snapshot.seq).collect()
}

#[test]
fn a_snapshot_that_is_due_at_a_start_waits_for_no_change() {
    runtime().block_on(async {
        let disk = SimulatedDisk::new(1);
        let ops: Vec<Op> = [Op::Begin].into_iter().chain((0..9).map(|n| Op::Add(format!("guest {n}")))).collect();
        let written = life(&disk, u64::MAX).await;
        // An app is there before anybody is put on its list.
        for part in [&ops[..1], &ops[1..]] {
            assert!(written.batch(&[part.to_vec()]).await.into_iter().all(|acked| acked));
        }
        written.kill().await;
        for (snapshot_every, made) in [(11, vec![]), (10, vec![10]), (10, vec![10])] {
            let life = life(&disk, snapshot_every).await;
            // The engine is as far as it comes without being told anything.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            assert_eq!(snapshots(&disk), made, "one is due every {snapshot_every} entries");
            life.kill().await;
        }
        let recovered = recover(&disk).expect("what lies there is whole");
        assert_eq!((recovered.snapshot_seq, recovered.entries), (10, 0));
        assert_eq!(whitelist(recovered.writer.state()), expected(&ops));
    });
}
