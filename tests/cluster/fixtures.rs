//! This is where every transcript of `fixtures/` is replayed against several gateways, each frame sent to another than the last.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{StreamExt, stream};
use guestlist::config::SNAPSHOT_EVERY_DEFAULT;
use guestlist::gateway::{EtcdStore, Gateway, Options, Store};
use guestlist::state::digest::Digest;
use guestlist::testing;
use guestlist::transcript::Transcript;
use guestlist::transcript::ignore::Ignore;
use guestlist::transcript::options::ReplayOptions;
use guestlist::transcript::replay::replay;
use tempfile::TempDir;

use super::etcd::Etcd;
use super::spread::Spread;

/// What the gateways of a cluster are called.
const GATEWAYS: [&str; 3] = ["first", "second", "third"];

/// Transcripts that are replayed at the same time: they wait more than they work.
const AT_ONCE: usize = 4;

/// What only gateways of a cluster say: which of them a bot is connected to, as of a second ago.
const OF_CLUSTERS: &str = "$.bots[*].gateways";

/// Longer than with one gateway: a frame waits until all have folded what was acknowledged before it.
const FRAME_WAIT: Duration = Duration::from_secs(15);

/// What is under `fixtures/` and is no transcript: the demo's seed, and golden data directories.
const NO_TRANSCRIPTS: [&str; 2] = ["demo.jsonl", "journal"];

/// The gateways of one transcript, and where they keep things.
struct Gateways {
    gateways: Vec<Gateway>,
    _directories: Vec<TempDir>,
}

/// How the replay of a transcript went.
struct Played {
    /// How often each gateway was asked.
    asked: Vec<usize>,
    failure: Option<String>,
}

/// With one gateway the proxy must change nothing, so that what fails with several is theirs.
#[tokio::test(flavor = "multi_thread")]
async fn every_transcript_replays_through_the_proxy_to_one_gateway() {
    replay_all(1, async |public_url| {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let options = options(public_url, Store::directory(directory.path()));
        let gateway = Gateway::start(options).await.expect("the gateway starts");
        Gateways { gateways: vec![gateway], _directories: vec![directory] }
    })
    .await;
}

/// Each transcript has gateways and a prefix of its own; the first gateway on it applies what there is to begin with.
#[tokio::test(flavor = "multi_thread")]
async fn every_transcript_replays_against_three_gateways_each_frame_sent_to_another_than_the_last() {
    let home = tempfile::tempdir().expect("there is room for a directory");
    let etcd = Etcd::start_one(home.path());
    let prefixes = AtomicUsize::new(0);
    replay_all(GATEWAYS.len(), async |public_url| {
        let prefix = prefixes.fetch_add(1, Ordering::Relaxed);
        let location = format!("etcd://{}/transcript-{prefix}", etcd.endpoints());
        let mut started = Gateways { gateways: Vec::new(), _directories: Vec::new() };
        for name in GATEWAYS {
            let directory = tempfile::tempdir().expect("there is room for a directory");
            let store = Store::Etcd(EtcdStore {
                path: directory.path().to_owned(),
                snapshot_every: SNAPSHOT_EVERY_DEFAULT,
                location: location.parse().expect("it is a location"),
                name: name.to_owned(),
            });
            let gateway = Gateway::start(options(public_url.clone(), store)).await;
            started.gateways.push(gateway.unwrap_or_else(|error| panic!("{name} does not start: {error}")));
            started._directories.push(directory);
        }
        started
    })
    .await;
}

/// None is left out: each means with several gateways what it means with one.
async fn replay_all(gateways: usize, start: impl AsyncFn(String) -> Gateways) {
    let played = stream::iter(transcripts(&root())).map(|path| play(path, &start)).buffer_unordered(AT_ONCE);
    let played: Vec<Played> = played.collect().await;
    let failed: Vec<&str> = played.iter().filter_map(|played| played.failure.as_deref()).collect();
    let (count, all) = (failed.len(), played.len());
    assert!(failed.is_empty(), "{count} of {all} transcripts failed\n\n{}", failed.join("\n"));
    let asked = |gateway: usize| played.iter().map(|played| played.asked[gateway]).sum::<usize>();
    let asked: Vec<usize> = (0..gateways).map(asked).collect();
    let fair = asked.iter().sum::<usize>() / gateways;
    assert!(fair > 0 && asked.iter().all(|asked| *asked > fair * 3 / 4), "the gateways were asked {asked:?} times");
}

/// Replays one transcript on gateways of its own.
async fn play(path: PathBuf, start: &impl AsyncFn(String) -> Gateways) -> Played {
    let name = path.strip_prefix(root()).expect("it was found there").display().to_string();
    let transcript = Transcript::read(&path).expect("fixtures are well formed");
    let spread = Spread::bind().await;
    let (url, started) = (spread.url(), start(spread.public_url()).await);
    let serving = spread.over(&started.gateways);
    let mut ignore = Ignore::default();
    ignore.add(OF_CLUSTERS).expect("it is a path");
    let options = ReplayOptions { frame_wait: FRAME_WAIT, ignore, ..ReplayOptions::default() };
    let replayed = replay(&transcript, &url, &options, &mut ()).await;
    let mut faults = serving.faults();
    faults.extend(replayed.err().map(|error| error.report(false).to_string()));
    match serving.level().await {
        Ok(()) => faults.extend(difference(&started.gateways)),
        Err(error) => faults.push(error.to_string()),
    }
    for gateway in started.gateways {
        gateway.stop().await;
    }
    let failure = (!faults.is_empty()).then(|| format!("{name}: {}\n", faults.join("\n")));
    Played { asked: serving.asked(), failure }
}

/// What the gateways do not agree on.
fn difference(gateways: &[Gateway]) -> Option<String> {
    let digests: Vec<[Digest; 2]> =
        gateways.iter().map(|gateway| [Digest::of(gateway.state()), gateway.state().digest().digest]).collect();
    let first = digests.first().map(|[counted, _]| *counted)?;
    digests.iter().flatten().any(|digest| *digest != first).then(|| {
        let told: Vec<String> = digests.iter().map(|[counted, kept]| format!("{counted} (kept: {kept})")).collect();
        format!("the gateways' states differ: {}", told.join(", "))
    })
}

fn options(public_url: String, store: Store) -> Options {
    Options { store, public_url: Some(public_url), ..testing::Gateway::options() }
}

fn transcripts(directory: &Path) -> Vec<PathBuf> {
    let entries = directory.read_dir().expect("fixtures can be listed");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("fixtures can be listed").path()).collect();
    paths.retain(|path| !NO_TRANSCRIPTS.iter().any(|name| *path == root().join(name)));
    paths.sort_unstable();
    paths.into_iter().flat_map(|path| if path.is_dir() { transcripts(&path) } else { vec![path] }).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}
