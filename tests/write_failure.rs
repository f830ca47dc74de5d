//! A disk that fails: from then on changes are refused, reading goes on, and nothing acknowledged is missing.

mod support;

use std::sync::Arc;

use futures::future::join_all;
use guestlist::disk::simulated::{Call, Errno, Fault, SimulatedDisk};
use guestlist::gateway::{Gateway, Options, Store};
use guestlist::journal::directory::files;
use guestlist::journal::file::Durability;
use guestlist::recovery::recover;
use guestlist::state::State;
use guestlist::state::digest::Digest;
use guestlist::state::id::AppId;
use serde_json::{Value, json};
use support::http::Http;
use support::process::{Served, around};
use support::{ADMIN, APP, BOT, Client};
use tempfile::TempDir;

/// What is said of a change that met the failure, and of those that come later.
const PERHAPS: &str = "not made now, but may be there after a restart";
const LATER: &str = "storage has failed, and the change was not made";

/// A gateway with the demo data on a disk that fails when told to.
struct Faulty {
    gateway: Gateway,
    disk: SimulatedDisk,
}

impl Faulty {
    async fn start(snapshot_every: u64) -> Self {
        let disk = SimulatedDisk::new(1);
        let store = Store::Disk { disk: Arc::new(disk.clone()), durability: Durability::Sync, snapshot_every };
        let gateway = Gateway::start(Options { store, ..guestlist::testing::Gateway::options() });
        Self { gateway: gateway.await.expect("the gateway starts"), disk }
    }

    fn url(&self) -> String {
        self.gateway.url()
    }

    fn http(&self) -> Http {
        Http::of(&self.gateway)
    }

    fn state(&self) -> &State {
        self.gateway.state()
    }

    /// Has calls of a kind fail from the n-th to come on, the first being 1; or only that one.
    fn fail(&self, call: Call, number: u64, errno: Errno, lasting: bool) {
        self.disk.fail(Fault { call: Some(call), number, errno, lasting });
    }
}

fn add(signup: &str) -> Value {
    json!({"method": "addToWhitelist", "app_id": APP, "signups": [signup], "reference": signup})
}

/// Pipelines additions, and returns those that were acknowledged, which must be the first of them.
async fn add_many(client: &mut Client, name: &str, count: usize) -> Vec<String> {
    let signups: Vec<_> = (0..count).map(|n| format!("{name}-{n}")).collect();
    for signup in &signups {
        client.send(add(signup).to_string()).await;
    }
    let mut acked = Vec::new();
    for (n, signup) in signups.iter().enumerate() {
        let reply = client.json().await;
        assert_eq!(reply["reference"], *signup, "replies keep their order: {reply}");
        if reply.get("error").is_none() {
            assert_eq!(acked.len(), n, "{signup} was acknowledged after one that was refused");
            acked.push(signup.clone());
        } else {
            check_not_writable(&reply);
        }
    }
    acked
}

fn check_not_writable(reply: &Value) {
    let said = reply["message"].as_str().unwrap_or_default();
    let advises = said.contains("reading still works") && said.contains("administrator");
    let tells = said.contains(PERHAPS) || said.contains(LATER);
    assert!(reply["error"] == 503 && reply.get("method").is_none() && advises && tells, "{reply}");
}

fn whitelist(state: &State) -> Vec<String> {
    let app = state.app(APP.parse::<AppId>().expect("it is an id")).expect("the demo app stands");
    app.whitelist.signups.iter().map(|(_, entry)| entry.signup_id.to_string()).collect()
}

fn on_disk(disk: &SimulatedDisk) -> (Vec<String>, Digest) {
    let recovered = recover(&disk.copy()).expect("only its end is torn");
    let state = recovered.writer.state();
    (whitelist(state), Digest::of(state))
}

fn sorted(mut signups: Vec<String>) -> Vec<String> {
    signups.sort_unstable();
    signups
}

#[tokio::test]
async fn after_a_failed_call_changes_are_refused_and_all_that_was_acknowledged_stands() {
    let calls = [(Call::Write, Errno::Io), (Call::SyncFile, Errno::Io), (Call::SyncFile, Errno::NoSpace)];
    for (call, errno, number) in calls.into_iter().flat_map(|(call, errno)| [1, 2, 3, 6, 18].map(|n| (call, errno, n)))
    {
        let told = format!("{call:?} {number} fails with {errno:?}");
        let faulty = Faulty::start(u64::MAX).await;
        let mut clients = Vec::new();
        for _ in 0..4 {
            clients.push(Client::sign_in(&faulty.url(), BOT).await);
        }
        // Once: those after it would go well, and must not be tried.
        faulty.fail(call, number, errno, false);
        // Waited for one by one, so that as many batches are made as are to go well.
        let mut acked = Vec::new();
        for n in 0..number / 2 {
            acked.extend(add_many(&mut clients[0], &format!("single{n}"), 1).await);
        }
        let many = clients
            .iter_mut()
            .enumerate()
            .map(|(n, client)| async move { add_many(client, &format!("c{n}"), 100).await });
        acked.extend(join_all(many).await.concat());
        // However much went into the batches before: the fault comes at last.
        for n in 0..number {
            acked.extend(add_many(&mut clients[0], &format!("last{n}"), 1).await);
        }
        let calls_before = faulty.disk.calls_of_all();
        for client in &mut clients {
            check_not_writable(&client.call(add("afterwards").to_string()).await);
            let list = client.call(json!({"method": "getWhitelistUsers", "app_id": APP}).to_string()).await;
            assert_eq!(list["signups"].as_array().map(Vec::len), Some(acked.len().min(50)), "{told}");
            assert_eq!(client.call(r#"{"method":"PING"}"#).await, json!({"method": "PONG"}));
        }
        assert_eq!(faulty.disk.calls_of_all(), calls_before, "{told}: nothing is written after it");
        let acked = sorted(acked);
        assert_eq!(sorted(whitelist(faulty.state())), acked, "{told}: what stands is what was acknowledged");
        let (found, _) = on_disk(&faulty.disk);
        assert!(acked.iter().all(|signup| found.contains(signup)), "{told}: {found:?} lacks some of {acked:?}");
    }
}

#[tokio::test]
async fn a_gateway_that_cannot_write_still_answers_and_says_that_it_is_not_ready() {
    let faulty = Faulty::start(u64::MAX).await;
    let http = faulty.http();
    let mut bot = Client::sign_in(&faulty.url(), BOT).await;
    assert_eq!(add_many(&mut bot, "good", 3).await.len(), 3);
    http.get("/readyz").send().await.expect(200);
    faulty.fail(Call::SyncFile, 1, Errno::Io, false);
    let before = Digest::of(faulty.state());
    let mut admin = Client::sign_in(&faulty.url(), ADMIN).await;
    for (n, change) in [
        json!({"method": "setApp", "app_id": "7"}),
        json!({"method": "removeApp", "app_id": APP}),
        json!({"method": "rotateBotToken", "bot_id": "90091784056528980"}),
        json!({"method": "removeBot", "bot_id": "90091784056528980"}),
        json!({"method": "addBlacklistPatterns", "app_id": APP, "patterns": ["a.*"]}),
        json!({"method": "removeFromWhitelist", "app_id": APP, "signups": ["good-1"]}),
    ]
    .into_iter()
    .enumerate()
    {
        let refusal = admin.call(change.to_string()).await;
        check_not_writable(&refusal);
        let told = refusal["message"].as_str().unwrap_or_default();
        assert!(told.contains(if n == 0 { PERHAPS } else { LATER }), "{told}");
    }
    assert_eq!(before, Digest::of(faulty.state()));
    let not_ready = http.get("/readyz").send().await.expect(503).text();
    assert!(not_ready.starts_with("storage has failed: a batch could not be written: "), "{not_ready}");
    let metrics = http.get("/metrics").bearer(ADMIN).send().await.expect(200).text();
    for line in ["storage_state{state=\"failed\"} 1", "journal_failures_total{kind=\"broken\"} 1"] {
        assert!(metrics.contains(&format!("guestlist_{line}\n")), "{metrics}");
    }
    http.get("/livez").send().await.expect(200);
    let asked = json!({"method": "checkAccess", "subject": {"type": "user", "id": "GOOD-1"}, "action": {"name": "sign_up"},
        "resource": {"type": "app", "id": APP}});
    assert_eq!(bot.call(asked.to_string()).await["decision"], json!(true));
    // What stands already needs no writing, and is acknowledged still.
    assert_eq!(bot.call(add("good-1").to_string()).await["signups"][0]["id"], "2");
    let mut late = Client::sign_in(&faulty.url(), BOT).await;
    check_not_writable(&late.call(add("late").to_string()).await);
}

#[tokio::test]
async fn a_segment_that_cannot_be_begun_leaves_the_old_one_in_use_until_one_can() {
    for (call, errno) in [(Call::Create, Errno::TooManyFiles), (Call::Rename, Errno::NoSpace)] {
        let faulty = Faulty::start(20).await;
        let before = files(&faulty.disk).expect("it can be read").segments;
        faulty.fail(call, 1, errno, true);
        let mut bot = Client::sign_in(&faulty.url(), BOT).await;
        let mut acked = Vec::new();
        for n in 0..60 {
            acked.extend(add_many(&mut bot, &n.to_string(), 1).await);
        }
        assert_eq!(acked.len(), 60, "{call:?}: everything is acknowledged all the same");
        assert_eq!(on_disk(&faulty.disk), (acked.clone(), Digest::of(faulty.state())));
        assert_eq!(files(&faulty.disk).expect("it can be read").segments, before, "{call:?}");
        faulty.http().get("/readyz").send().await.expect(200);
        faulty.disk.heal();
        for n in 60..160 {
            acked.extend(add_many(&mut bot, &n.to_string(), 1).await);
        }
        assert_eq!(whitelist(faulty.state()), acked);
        let newest = files(&faulty.disk).expect("it can be read").segments.pop();
        assert!(newest.is_some_and(|segment| segment.seq > 60), "{call:?}: a new segment was begun once it could be");
    }
}

#[tokio::test]
async fn an_engine_that_panicked_is_not_ready_either() {
    let faulty = Faulty::start(u64::MAX).await;
    faulty.disk.show(|_, call| assert!(call != Call::Write, "the disk was told to panic"));
    let mut bot = Client::sign_in(&faulty.url(), BOT).await;
    for signup in ["first", "next"] {
        check_not_writable(&bot.call(add(signup).to_string()).await);
    }
    let not_ready = faulty.http().get("/readyz").send().await.expect(503).text();
    assert!(not_ready.starts_with("storage has failed: the engine has ended;"), "{not_ready}");
    assert!(whitelist(faulty.state()).is_empty());
}

#[tokio::test]
async fn what_lies_on_disk_and_differs_is_said_and_counted() {
    let faulty = Faulty::start(u64::MAX).await;
    faulty.gateway.health().note_differing();
    let not_ready = faulty.http().get("/readyz").send().await.expect(503).text();
    assert!(not_ready.starts_with("what lies on disk folded to another state") && not_ready.lines().count() == 1);
    let metrics = faulty.http().get("/metrics").bearer(ADMIN).send().await.expect(200).text();
    assert!(metrics.contains("guestlist_snapshot_mismatches_total 1\n"), "{metrics}");
    // An alarm only: changes go on, for the journal is kept.
    let mut bot = Client::sign_in(&faulty.url(), BOT).await;
    assert_eq!(add_many(&mut bot, "good", 3).await.len(), 3);
}

/// Has the system itself refuse to flush, from a call on, where strace is at hand.
#[tokio::test]
async fn the_binary_acknowledges_nothing_after_the_system_failed_to_flush() {
    if std::process::Command::new("strace").arg("-V").output().is_err() {
        eprintln!("NOT TESTED: there is no strace; the simulated disk shows the same");
        return;
    }
    let home = TempDir::new().expect("a temporary directory");
    let (data, log) = (home.path().join("data"), home.path().join("log"));
    // The demo data is flushed at once, and each change after it by itself.
    let inject = "--inject=fdatasync:error=EIO:when=10";
    let before = ["-D", "-f", "-qqq", "--trace=fdatasync", "--output=/dev/null", inject];
    let text = data.to_str().expect("the path is text");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--demo", "--data", text];
    let served = Served::start_command(&mut around("strace", &before, &serve), &log);
    let mut bot = Client::sign_in(&served.url, BOT).await;
    let mut acked = Vec::new();
    for n in 0..30 {
        acked.extend(add_many(&mut bot, &format!("n{n}"), 1).await);
    }
    assert!((1..30).contains(&acked.len()), "{} of 30 were acknowledged", acked.len());
    assert_eq!(acked.last(), Some(&format!("n{}-0", acked.len() - 1)), "those before the failure");
    let not_ready = Http::at(&served.url).get("/readyz").send().await.expect(503).text();
    assert!(not_ready.contains("Input/output error"), "{not_ready}");
    served.kill();
    let said = std::fs::read_to_string(&log).expect("there is a log");
    assert_eq!(said.matches("no more changes are accepted").count(), 1, "it is logged once:\n{said}");
    let served = Served::start(&data, &log, &[]);
    let list = support::lists::whitelist(&served.url).await;
    assert!(
        list.starts_with(&acked) && list.len() <= acked.len() + 1,
        "{list:?} is not {acked:?}, and at most one more"
    );
}
