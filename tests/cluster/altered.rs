//! A gateway whose copy was altered, with checksums that are right: it finds that out, and makes its copy anew.

use std::fs;
use std::time::Duration;

use guestlist::disk::RealDisk;
use guestlist::journal::checked;
use guestlist::journal::directory::files;
use serde_json::json;

use super::cluster::Cluster;
use super::wait::until;
use crate::support::APP;
use crate::support::lists::numbered_whitelist;

const SIGNUPS: usize = 40;

/// What the gateway is to say.
const FOUND: &str = "begins anew from what the others share";

/// Above anything that it needs to find out.
const PATIENCE: Duration = Duration::from_secs(30);

/// Alters an email address in a gateway's copy while it does not run.
pub async fn a_copy_is_made_anew() {
    let mut cluster = Cluster::start(&[]).await;
    let mut bot = cluster.bot(0).await;
    let add =
        |n: usize| json!({"method": "addToWhitelist", "app_id": APP, "signups": [format!("name{n:02}@example.com")]});
    for n in 0..SIGNUPS {
        let ack = bot.call(add(n)).await;
        assert!(ack.get("error").is_none(), "{ack}");
    }
    let before = cluster.must_agree().await;
    // A stop in good order would fold the journal into a snapshot, which is all that the next start reads.
    cluster.gateways[1].kill();
    alter(&cluster, "name20@example.com", "nome20@example.com");
    assert!(!cluster.gateways[1].log().contains(FOUND), "{}", cluster.gateways[1].log());
    cluster.gateways[1].start();
    cluster.gateways[1].must_log(FOUND, 1).await;
    cluster.gateways[1].must_be_ready().await;
    assert_eq!(cluster.must_agree().await, before);
    let look = async || {
        let list = numbered_whitelist(&mut cluster.bot(1).await).await;
        (list.len() == SIGNUPS && list.iter().any(|(_, signup)| signup == "name20@example.com")).then_some(list)
    };
    let list = until(PATIENCE, look, || cluster.gateways[1].log()).await;
    assert!(list.iter().all(|(_, signup)| signup.starts_with("name")), "{list:?}");
    // It is one of them again.
    let ack = cluster.bot(1).await.call(add(SIGNUPS)).await;
    assert!(ack.get("error").is_none(), "{ack}");
    cluster.must_agree().await;
}

/// Puts one text in the place of another of the same length in the second gateway's journal.
fn alter(cluster: &Cluster, from: &str, to: &str) {
    let data = cluster.gateways[1].data();
    let segments = files(&RealDisk::new(&data)).expect("the directory can be read").segments;
    let mut altered = 0;
    for segment in segments {
        let path = data.join(segment.name);
        let mut bytes = fs::read(&path).expect("the segment can be read");
        let mut at = 0;
        while let Some(length) = bytes[at..].iter().position(|byte| *byte == b'\n') {
            let line = &bytes[at..at + length];
            let text = checked(line).expect("the line is whole");
            if text.contains(from) {
                let text = text.replace(from, to);
                let line = format!("{:08x}  {text}", crc32c::crc32c(text.as_bytes()));
                bytes[at..at + length].copy_from_slice(line.as_bytes());
                altered += 1;
            }
            at += length + 1;
        }
        fs::write(&path, bytes).expect("the segment can be written");
    }
    assert_eq!(altered, 1, "entries with {from}");
}
