//! Clients of different gateways, one after the other: each acts on what another was told.

use serde_json::json;

use super::cluster::{Cluster, EACH};
use crate::support::APP;

const ROUNDS: usize = 300;

/// Has one gateway add a sign-up, another add it again, and a third remove it, each as soon as the one before has its ack.
pub async fn each_gateway_acts_on_what_another_acknowledged() {
    let cluster = Cluster::start(&[]).await;
    let mut bots = Vec::new();
    for gateway in 0..EACH {
        bots.push(cluster.bot(gateway).await);
    }
    for round in 0..ROUNDS {
        let signups = [format!("round{round}@example.com")];
        let add = json!({"method": "addToWhitelist", "app_id": APP, "signups": signups});
        let remove = json!({"method": "removeFromWhitelist", "app_id": APP, "signups": signups});
        let added = bots[round % EACH].call(&add).await;
        assert!(added["signups"][0]["id"].is_string(), "round {round}: {added}");
        let again = bots[(round + 1) % EACH].call(&add).await;
        assert_eq!(again["signups"], added["signups"], "round {round}: added twice");
        let removed = bots[(round + 2) % EACH].call(&remove).await;
        assert_eq!(removed["signups"], json!(signups), "round {round}: what was acknowledged was not there: {removed}");
        let gone = bots[(round + 3) % EACH].call(&remove).await;
        assert_eq!(gone["signups"], json!([]), "round {round}: removed twice");
    }
    cluster.must_agree().await;
}
