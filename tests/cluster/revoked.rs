//! A token that is revoked on one gateway: soon it is dead on all.

use std::time::{Duration, Instant};

use serde_json::json;

use super::cluster::{Cluster, EACH};
use super::line::{Line, Lost};
use super::wait::until;

const ROUNDS: usize = 9;

/// How long a token may go on anywhere, from when its end was asked for.
const DEATH_WAIT: Duration = Duration::from_secs(1);

/// Above anything that a new token needs to be known everywhere.
const KNOWN_WAIT: Duration = Duration::from_secs(10);

/// Revokes tokens on each gateway in turn, in both ways there are.
pub async fn a_token_is_dead_everywhere() {
    let cluster = Cluster::start(&[]).await;
    let urls = cluster.urls();
    let mut longest = Duration::ZERO;
    for round in 0..ROUNDS {
        let mut administrator = cluster.administrator(round % EACH).await;
        let bot_id = (1_000 + round).to_string();
        let made = administrator.call(json!({"method": "setBot", "bot_id": bot_id, "name": "Bot"})).await;
        let token = made["token"].as_str().unwrap_or_else(|| panic!("no token in {made}"));
        let mut lines = Vec::new();
        for url in &urls {
            lines.push(until(KNOWN_WAIT, async || Line::open(url, token).await, || cluster.logs()).await);
        }
        let method = if round % 2 == 0 { "rotateBotToken" } else { "removeBot" };
        let since = Instant::now();
        let ack = administrator.call(json!({"method": method, "bot_id": bot_id})).await;
        assert!(ack.get("error").is_none(), "{ack}");
        for (line, url) in lines.iter_mut().zip(&urls) {
            // A refusal comes first, which says why.
            let lost = loop {
                match line.hear().await {
                    Ok(refusal) => assert_eq!(refusal["error"], 401, "{refusal}"),
                    Err(lost) => break lost,
                }
            };
            assert_eq!(lost, Lost::Closed(1008), "round {round}, {url}");
            assert!(Line::open(url, token).await.is_none(), "round {round}, {url} lets the token in again");
            longest = longest.max(since.elapsed());
        }
    }
    println!("{ROUNDS} tokens were dead on all gateways at most {longest:.0?} after their end was asked for");
    assert!(longest < DEATH_WAIT, "{longest:?}");
}
