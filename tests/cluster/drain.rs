//! A bot whose gateway is drained: it goes on elsewhere, and nothing it was told is lost.

use std::collections::BTreeMap;

use serde_json::json;

use super::cluster::{BOT, Cluster};
use super::journal::Journal;
use super::line::{Line, Lost};
use crate::support::APP;
use crate::support::lists::numbered_whitelist;

/// Changes that the bot has to make.
const CHANGES: usize = 600;

/// Those that may wait for their acks.
const WINDOW: usize = 32;

/// Acks after which its gateway is told to stop, and the next one after as many more.
const ACKS_BEFORE: usize = 150;

/// Drains two gateways, one after the other, while a bot makes changes.
pub async fn a_bot_goes_on_elsewhere() {
    let mut cluster = Cluster::start(&[]).await;
    // By reference: what is not acknowledged, and under which id the rest stands.
    let mut pending: BTreeMap<usize, String> = (0..CHANGES).map(|n| (n, format!("drained{n}@example.com"))).collect();
    let mut acked: BTreeMap<String, u64> = BTreeMap::new();
    let mut repeated = 0;
    for gateway in 0..cluster.gateways.len() {
        let mut line =
            Line::open(&cluster.gateways[gateway].url(), BOT).await.expect("the next gateway lets the bot in");
        let is_last = gateway + 1 == cluster.gateways.len();
        let stop_at = acked.len() + ACKS_BEFORE;
        let (mut unsent, mut waiting): (Vec<usize>, usize) = (pending.keys().rev().copied().collect(), 0);
        let lost = loop {
            while let Some(n) = unsent.pop_if(|_| waiting < WINDOW) {
                let message =
                    json!({"method": "addToWhitelist", "app_id": APP, "signups": [pending[&n]], "reference": n});
                line.send(&message).await;
                waiting += 1;
            }
            if waiting == 0 {
                break None;
            }
            let ack = match line.hear().await {
                Ok(ack) => ack,
                Err(lost) => break Some(lost),
            };
            waiting -= 1;
            let n =
                ack["reference"].as_u64().and_then(|n| usize::try_from(n).ok()).expect("an answer has its reference");
            let signup = pending.remove(&n).unwrap_or_else(|| panic!("nothing was pending for {ack}"));
            assert_eq!(ack["signups"][0]["signup_id"], signup, "{ack}");
            acked.insert(
                signup,
                ack["signups"][0]["id"].as_str().and_then(|id| id.parse().ok()).expect("an id is digits"),
            );
            if acked.len() == stop_at && !is_last {
                cluster.gateways[gateway].signal("TERM");
            }
        };
        if is_last {
            assert_eq!(lost, None);
        } else {
            assert_eq!(lost, Some(Lost::Closed(1001)), "{}", cluster.gateways[gateway].log());
            repeated += waiting;
            assert_eq!(cluster.gateways[gateway].ended().await, Some(0), "{}", cluster.gateways[gateway].log());
        }
    }
    assert!(pending.is_empty(), "{pending:?}");
    cluster.gateways.iter_mut().take(2).for_each(|gateway| gateway.start());
    cluster.must_be_ready().await;
    let (seq, _) = cluster.must_agree().await;
    let list: BTreeMap<String, u64> =
        numbered_whitelist(&mut cluster.bot(0).await).await.into_iter().map(|(id, signup)| (signup, id)).collect();
    assert_eq!(list, acked);
    let journal = Journal::of(&cluster);
    journal.must_be_whole(seq);
    assert!(journal.added().values().all(|times| *times == 1), "{:?}", journal.added());
    println!("{CHANGES} changes over two drains: {repeated} sent again, none lost, none doubled");
}
