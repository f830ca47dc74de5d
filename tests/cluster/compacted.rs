//! A gateway that finds etcd compacted, or what it missed removed: it ends with the same as all others.

use std::time::{Duration, Instant};

use serde_json::json;

use super::cluster::{BOT, Cluster, EACH, Way};
use super::gateways::Gateway;
use super::line::{Line, Lost};
use super::wait::until;
use crate::support::{APP, Client};

/// Changes that the gateway does not see before they are compacted.
const CHANGES: usize = 60;

/// Above the lease of a gateway, after which the others do not wait for it any more.
const REMOVAL_WAIT: Duration = Duration::from_secs(40);

/// Compacts etcd while one gateway is stopped and another is cut off, or only stands still where it cannot be cut off.
pub async fn a_gateway_catches_up() {
    let mut cluster = Cluster::start(&[]).await;
    let everybody: Vec<usize> = (0..EACH).collect();
    let can_cut = cluster.network.is_some();
    for compact_again in [false, true] {
        let mut line = Line::open(&cluster.gateways[2].url(), BOT).await.expect("it lets the bot in");
        cluster.gateways[1].kill();
        match can_cut {
            true => cluster.cut(2, &everybody, Way::Both),
            false => cluster.gateways[2].signal("STOP"),
        }
        let mut bot = cluster.bot(0).await;
        change(&mut bot, compact_again).await;
        cluster.etcd.compact(cluster.etcd.revision());
        if compact_again {
            change(&mut bot, false).await;
        }
        match can_cut {
            true => cluster.mend(2, &everybody, Way::Both),
            false => cluster.gateways[2].signal("CONT"),
        }
        cluster.gateways[1].start();
        cluster.must_be_ready().await;
        let (seq, _) = cluster.must_agree().await;
        // It may have to begin anew, and then says so to those who are connected.
        let told = match line.ask(&json!({"method": "PING"})).await {
            Ok(pong) => {
                assert_eq!(pong["method"], "PONG");
                "kept its connections"
            }
            Err(lost) => {
                assert_eq!(lost, Lost::Closed(1001));
                "closed its connections with 1001"
            }
        };
        println!("compacted, the gateway that was cut off {told}; all agree at {seq}");
    }
}

/// Has the others take a gateway that is cut off for gone, and remove what it did not see, for a snapshot has it.
pub async fn a_gateway_begins_anew() {
    let mut cluster = Cluster::start(&["--snapshot-every", "20"]).await;
    if cluster.network.is_none() {
        return;
    }
    let everybody: Vec<usize> = (0..EACH).collect();
    let mut line = Line::open(&cluster.gateways[2].url(), BOT).await.expect("it lets the bot in");
    let pid = cluster.gateways[2].pid();
    cluster.cut(2, &everybody, Way::Both);
    let (cut_at, since) = (cluster.etcd.revision(), Instant::now());
    let mut bot = cluster.bot(0).await;
    let look = async || {
        change(&mut bot, true).await;
        let removed = |gateway: &Gateway| gateway.log().lines().filter_map(removed_up_to).max();
        let latest = cluster.gateways.iter().filter_map(removed).max();
        latest.is_some_and(|revision| revision > cut_at).then_some(())
    };
    until(REMOVAL_WAIT, look, || cluster.logs()).await;
    // From history a watch would tell it all the same.
    cluster.etcd.compact(cluster.etcd.revision());
    println!("what a gateway missed was removed {:.1?} after it was cut off", since.elapsed());
    let since = Instant::now();
    cluster.mend(2, &everybody, Way::Both);
    assert_eq!(line.hear().await, Err(Lost::Closed(1001)));
    cluster.gateways[2].must_be_ready().await;
    let (seq, _) = cluster.must_agree().await;
    println!("it had begun anew {:.1?} after the cut was mended; all agree at {seq}", since.elapsed());
    assert_eq!((cluster.gateways[2].pid(), cluster.gateways[2].ended_itself), (pid, 0));
}

/// Up to which revision batches were removed, if a line of a log says that some were.
fn removed_up_to(line: &str) -> Option<u64> {
    line.split_once("were removed from etcd")?.1.split_once("revision=")?.1.split_whitespace().next()?.parse().ok()
}

/// Makes changes, half of which take back the other half.
async fn change(bot: &mut Client, removes: bool) {
    let methods: &[&str] = if removes { &["addToWhitelist", "removeFromWhitelist"] } else { &["addToWhitelist"] };
    for n in 0..CHANGES {
        for method in methods {
            let signup = format!("compacted{n}@example.com");
            let ack = bot.call(json!({"method": method, "app_id": APP, "signups": [signup]})).await;
            assert!(ack.get("error").is_none(), "{ack}");
        }
    }
}
