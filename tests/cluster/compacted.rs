//! A gateway that finds etcd compacted beyond what it has seen: it ends with the same as all others.

use serde_json::json;

use super::cluster::{BOT, Cluster, EACH, Way};
use super::line::{Line, Lost};
use crate::support::{APP, Client};

/// Changes that the gateway does not see before they are compacted.
const CHANGES: usize = 60;

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
