//! A gateway that is cut off from etcd: it refuses what it cannot do, says what it still knows for a while, and comes back.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::cluster::{BOT, Cluster, EACH, Way};
use super::wait::until;
use crate::support::lists::question;
use crate::support::{APP, Client, Received};

/// How old a gateway's view may be; shorter than by default, so that the test is.
const STALE_MAX: Duration = Duration::from_secs(3);

/// How much later than that an answer may be that was on its way.
const LATE_MAX: Duration = Duration::from_millis(250);

/// How much fresher than at the cut the view can have been at most, for a gateway that hears from etcd now and then.
const AGE_MAX: Duration = Duration::from_millis(1_500);

/// Above anything that a gateway needs to notice, or to catch up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Cuts a gateway off in every way there is, and asks it over one connection all the time.
pub async fn a_gateway_refuses_and_comes_back() {
    let stale_max = format!("{}s", STALE_MAX.as_secs());
    let mut cluster = Cluster::start(&["--stale-max", &stale_max, "--limit", "append_wait=4s"]).await;
    if cluster.network.is_none() {
        return;
    }
    let (everybody, pid): (Vec<usize>, u32) = ((0..EACH).collect(), cluster.gateways[0].pid());
    let (mut cut_off, mut other) = (cluster.bot(0).await, cluster.bot(1).await);
    assert_eq!(add(&mut cut_off, "early@example.com").await, None);
    for way in [Way::Both, Way::Out, Way::In] {
        let (refused, meanwhile) = (format!("refused{way:?}@example.com"), format!("meanwhile{way:?}@example.com"));
        let since = Instant::now();
        cluster.cut(0, &everybody, way);
        // What others change is not seen here, and what is known is told until it is too old.
        assert_eq!(add(&mut other, &meanwhile).await, None);
        // Before the gateway has noticed anything: that it does not know of an entry is no reason to say that there is none.
        let removal = removal(&mut other, &cluster, &format!("hasty{way:?}@example.com")).await;
        let mut told_last = Duration::ZERO;
        let look = async || {
            let answer = cut_off.call(question("early@example.com")).await;
            if answer["error"] == 503 {
                return Some(since.elapsed());
            }
            told_last = since.elapsed();
            assert_eq!(answer["decision"], true, "{answer}");
            (told_last > STALE_MAX + LATE_MAX).then_some(told_last)
        };
        let refused_at = until(PATIENCE, look, || cluster.gateways[0].log()).await;
        let served = format!("{way:?}: served until {told_last:.1?} and refused from {refused_at:.1?} after the cut");
        assert!(told_last <= STALE_MAX + LATE_MAX && told_last + AGE_MAX >= STALE_MAX, "{served}");
        println!("{served}");
        let removal = removal.await.expect("asking does not panic");
        assert_eq!(removal["error"], 503, "{removal}");
        // Of what was sent before the gateway knew, nobody may know; in the end it is refused for good.
        let (mut tries, mut unknown) = (0, Vec::new());
        let look = async || {
            tries += 1;
            let signup = format!("{tries}{refused}");
            let message = add(&mut cut_off, &signup).await.expect("no change is made without etcd");
            let is_unknown = message.contains("unknown");
            if is_unknown {
                unknown.push(signup);
            }
            (!is_unknown).then_some(())
        };
        until(PATIENCE, look, || cluster.gateways[0].log()).await;
        // Neither does it know that what stood still stands.
        assert!(add(&mut cut_off, "early@example.com").await.is_some(), "acknowledged from what may have changed");
        assert_eq!(cluster.gateways[0].readiness().await, Some(503));
        assert_eq!(cut_off.call(json!({"method": "PING"})).await["method"], "PONG");
        assert_eq!(cluster.gateways[1].readiness().await, Some(200));
        // A token may have been revoked meanwhile; 1001 has a bot come back.
        let mut late = Client::connect(&cluster.gateways[0].url()).await;
        let refused_token = late.call(json!({"method": "TOKEN_AUTH", "token": BOT})).await;
        assert_eq!(refused_token["error"], 503, "{refused_token}");
        assert!(matches!(late.receive().await, Received::Close(1001, _)));

        let since = Instant::now();
        cluster.mend(0, &everybody, way);
        let look = async || (cut_off.call(question(&meanwhile)).await["decision"] == true).then_some(());
        until(PATIENCE, look, || cluster.gateways[0].log()).await;
        cluster.gateways[0].must_be_ready().await;
        println!("{way:?}: caught up {:.1?} after the cut was mended", since.elapsed());
        assert_eq!(add(&mut cut_off, &format!("late{way:?}@example.com")).await, None);
        let refused = cut_off.call(question(&format!("{tries}{refused}"))).await;
        assert_eq!(refused["decision"], false, "what was refused is there: {refused}");
        assert_eq!(cluster.gateways[0].pid(), pid);
    }
    assert_eq!(cluster.gateways[0].ended_itself, 0);
    cluster.must_agree().await;
}

/// Adds a sign-up by way of one gateway, and has another remove it, which does not see it.
async fn removal(other: &mut Client, cluster: &Cluster, signup: &str) -> JoinHandle<Value> {
    let message = json!({"method": "removeFromWhitelist", "app_id": APP, "signups": [signup]});
    let mut hasty = cluster.bot(0).await;
    assert_eq!(add(other, signup).await, None);
    tokio::spawn(async move { hasty.call(message).await })
}

/// Adds a sign-up, and gives the message of a refusal, which must be of 503.
async fn add(client: &mut Client, signup: &str) -> Option<String> {
    let ack = client.call(json!({"method": "addToWhitelist", "app_id": APP, "signups": [signup]})).await;
    let error = ack.get("error")?;
    assert_eq!(*error, 503, "{ack}");
    Some(ack["message"].as_str().expect("a refusal has a message").to_owned())
}
