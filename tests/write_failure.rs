//! A disk that fails: from then on changes are refused, reading goes on, and nothing acknowledged is missing.

mod support;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::future::join_all;
use guestlist::config::Limits;
use guestlist::disk::RealDisk;
use guestlist::engine::Engine;
use guestlist::health::Health;
use guestlist::hub::Hub;
use guestlist::journal::directory::files;
use guestlist::journal::file::{Durability, FileJournal};
use guestlist::journal::{Failure, Journal};
use guestlist::recovery::recover;
use guestlist::seed::{self, Seed};
use guestlist::server;
use guestlist::shared::Shared;
use guestlist::snapshots::Snapshots;
use guestlist::state::State;
use guestlist::state::Writer;
use guestlist::state::digest::Digest;
use guestlist::state::id::AppId;
use serde_json::{Value, json};
use support::{ADMIN, APP, BOT, Client};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// More calls than any test makes.
const NEVER: usize = usize::MAX;

/// How many calls go well before one fails; those after it would go well again.
#[derive(Clone, Debug)]
struct Fault {
    /// Whether the call panics in place of failing.
    panics: Arc<AtomicBool>,
    appends: Arc<AtomicUsize>,
    rotations: Arc<AtomicUsize>,
}

/// A journal that fails when told to; of what it was to append, half is on disk by then.
struct FaultyJournal {
    journal: FileJournal,
    fault: Fault,
}

fn is_due(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
}

impl Journal for FaultyJournal {
    fn append(&mut self, lines: &[u8]) -> Result<(), Failure> {
        if is_due(&self.fault.appends) {
            self.fault.appends.store(NEVER, Ordering::Relaxed);
            assert!(!self.fault.panics.load(Ordering::Relaxed), "the journal was told to panic");
            self.journal.append(&lines[..lines.len() / 2])?;
            return Err(Failure::Broken(io::ErrorKind::StorageFull.into()));
        }
        self.journal.append(lines)
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.journal.flush()
    }

    fn owes_flush(&self) -> bool {
        self.journal.owes_flush()
    }

    fn rotate(&mut self, next_seq: u64, digest: Digest) -> Result<(), Failure> {
        if is_due(&self.fault.rotations) {
            Err(Failure::Unchanged(io::ErrorKind::StorageFull.into()))
        } else {
            self.journal.rotate(next_seq, digest)
        }
    }

    fn rotate_with_room(&mut self, next_seq: u64, digest: Digest, room_bytes: usize) -> Result<(), Failure> {
        self.journal.rotate_with_room(next_seq, digest, room_bytes)
    }

    fn segment_bytes(&self) -> u64 {
        self.journal.segment_bytes()
    }
}

/// A gateway with the demo data on a disk that fails when told to.
struct Faulty {
    shared: Arc<Shared>,
    address: SocketAddr,
    fault: Fault,
    directory: TempDir,
    _stop: watch::Sender<bool>,
}

impl Faulty {
    async fn start(snapshot_every: u64) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let fault = Fault {
            panics: Arc::default(),
            appends: Arc::new(AtomicUsize::new(NEVER)),
            rotations: Arc::new(AtomicUsize::new(NEVER)),
        };
        let disk = Arc::new(RealDisk::new(directory.path()));
        let begun = FileJournal::begin(disk.clone(), 1, Digest::default(), Durability::Sync);
        let journal = begun.expect("the directory can be written");
        let journal = Box::new(FaultyJournal { journal, fault: fault.clone() });
        let health = Arc::new(Health::default());
        let snapshots = Snapshots::start(disk, health.clone(), snapshot_every, 0, 0).expect("there are threads");
        let (writer, hub, limits) = (Writer::default(), Arc::new(Hub::default()), Limits::default());
        let state = writer.state().clone();
        let (engine, handle) = Engine::new(writer, journal, hub.clone(), limits.clone(), Some(snapshots), health);
        engine.spawn().expect("there are threads");
        let shared = Arc::new(Shared::new(state, handle, hub, limits));
        seed::apply(Seed::demo(), &shared).await.expect("the demo data is good");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("port 0 is always free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(server::accept(listener, shared.clone(), stopped));
        Self { shared, address, fault, directory, _stop: stop }
    }

    fn url(&self) -> String {
        format!("ws://{}/nandbox/api/", self.address)
    }

    async fn http(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("the gateway takes connections");
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("the connection takes bytes");
        let mut response = String::new();
        stream.read_to_string(&mut response).await.expect("the answer is text");
        response
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
    assert!(reply["error"] == 503 && reply.get("method").is_none() && advises, "{reply}");
}

fn whitelist(state: &State) -> Vec<String> {
    let app = state.app(APP.parse::<AppId>().expect("it is an id")).expect("the demo app stands");
    app.whitelist.signups.iter().map(|(_, entry)| entry.signup_id.to_string()).collect()
}

fn on_disk(directory: &Path) -> (Vec<String>, Digest) {
    let recovered = recover(&RealDisk::new(directory)).expect("only its end is torn");
    let state = recovered.writer.state();
    (whitelist(state), Digest::of(state))
}

fn sorted(mut signups: Vec<String>) -> Vec<String> {
    signups.sort_unstable();
    signups
}

#[tokio::test]
async fn after_a_failed_write_changes_are_refused_and_all_that_was_acknowledged_stands() {
    for appends in [0, 1, 2, 5, 17] {
        let faulty = Faulty::start(u64::MAX).await;
        let mut clients = Vec::new();
        for _ in 0..4 {
            clients.push(Client::sign_in(&faulty.url(), BOT).await);
        }
        // Waited for one by one, so that as many appends are made as are to go well.
        let mut acked = Vec::new();
        faulty.fault.appends.store(appends, Ordering::Relaxed);
        for n in 0..appends / 2 {
            acked.extend(add_many(&mut clients[0], &format!("single{n}"), 1).await);
        }
        let many = clients
            .iter_mut()
            .enumerate()
            .map(|(n, client)| async move { add_many(client, &format!("c{n}"), 100).await });
        acked.extend(join_all(many).await.concat());
        // However much went into the batches before: the fault comes at last.
        for n in 0..appends {
            acked.extend(add_many(&mut clients[0], &format!("last{n}"), 1).await);
        }
        for client in &mut clients {
            check_not_writable(&client.call(add("afterwards").to_string()).await);
            let list = client.call(json!({"method": "getWhitelistUsers", "app_id": APP}).to_string()).await;
            assert_eq!(list["signups"].as_array().map(Vec::len), Some(acked.len().min(50)));
            assert_eq!(client.call(r#"{"method":"PING"}"#).await, json!({"method": "PONG"}));
        }
        let acked = sorted(acked);
        assert_eq!(sorted(whitelist(&faulty.shared.state)), acked, "what stands is what was acknowledged");
        let (found, _) = on_disk(faulty.directory.path());
        assert!(
            acked.iter().all(|signup| found.contains(signup)),
            "{appends} appends: {found:?} lacks some of {acked:?}"
        );
    }
}

#[tokio::test]
async fn a_gateway_that_cannot_write_still_answers_and_says_that_it_is_not_ready() {
    let faulty = Faulty::start(u64::MAX).await;
    let mut bot = Client::sign_in(&faulty.url(), BOT).await;
    assert_eq!(add_many(&mut bot, "good", 3).await.len(), 3);
    assert!(faulty.http("/readyz").await.starts_with("HTTP/1.1 200 "));
    faulty.fault.appends.store(0, Ordering::Relaxed);
    let before = Digest::of(&faulty.shared.state);
    let mut admin = Client::sign_in(&faulty.url(), ADMIN).await;
    for change in [
        json!({"method": "setApp", "app_id": "7"}),
        json!({"method": "removeApp", "app_id": APP}),
        json!({"method": "rotateBotToken", "bot_id": "90091784056528980"}),
        json!({"method": "removeBot", "bot_id": "90091784056528980"}),
        json!({"method": "addBlacklistPatterns", "app_id": APP, "patterns": ["a.*"]}),
        json!({"method": "removeFromWhitelist", "app_id": APP, "signups": ["good-1"]}),
    ] {
        check_not_writable(&admin.call(change.to_string()).await);
    }
    assert_eq!((before, faulty.shared.engine.is_writable()), (Digest::of(&faulty.shared.state), false));
    let not_ready = faulty.http("/readyz").await;
    assert!(
        not_ready.starts_with("HTTP/1.1 503 ") && not_ready.contains("\r\n\r\nstorage has failed: "),
        "{not_ready}"
    );
    assert!(faulty.http("/livez").await.starts_with("HTTP/1.1 200 "));
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
    let faulty = Faulty::start(20).await;
    faulty.fault.rotations.store(0, Ordering::Relaxed);
    let mut bot = Client::sign_in(&faulty.url(), BOT).await;
    let mut acked = Vec::new();
    for n in 0..60 {
        acked.extend(add_many(&mut bot, &n.to_string(), 1).await);
    }
    assert_eq!(acked.len(), 60, "everything is acknowledged all the same");
    assert_eq!(on_disk(faulty.directory.path()), (acked.clone(), Digest::of(&faulty.shared.state)));
    assert_eq!(files(&RealDisk::new(faulty.directory.path())).expect("it can be read").segments.len(), 1);
    faulty.fault.rotations.store(NEVER, Ordering::Relaxed);
    for n in 60..160 {
        acked.extend(add_many(&mut bot, &n.to_string(), 1).await);
    }
    assert_eq!(whitelist(&faulty.shared.state), acked);
    let newest = files(&RealDisk::new(faulty.directory.path())).expect("it can be read").segments.pop();
    assert!(newest.is_some_and(|segment| segment.seq > 60), "a new segment was begun once it could be");
}

#[tokio::test]
async fn an_engine_that_panicked_is_not_ready_either() {
    let faulty = Faulty::start(u64::MAX).await;
    faulty.fault.panics.store(true, Ordering::Relaxed);
    faulty.fault.appends.store(0, Ordering::Relaxed);
    let mut bot = Client::sign_in(&faulty.url(), BOT).await;
    for signup in ["first", "next"] {
        check_not_writable(&bot.call(add(signup).to_string()).await);
    }
    assert!(faulty.http("/readyz").await.starts_with("HTTP/1.1 503 "));
    assert!(whitelist(&faulty.shared.state).is_empty());
}
