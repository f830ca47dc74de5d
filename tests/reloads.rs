//! A thousand times the settings, the administrator's token and the certificate are read again, good, bad and half-written, and
//! nobody's connection ends by it.

mod support;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::authority::Authority;
use support::home::Home;
use support::process::Served;
use support::{APP, BOT, Client};

/// How often all is read again.
const RELOADS: usize = 1_000;

/// More than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

const READ: &str = "the settings were read again";
const NOT_READ: &str = "the settings could not be read again; those before stay";

/// A gateway's log, as far as it was looked through.
struct Log<'h> {
    home: &'h Home,
    seen: usize,
}

impl Log<'_> {
    /// Waits for what comes first of two, and says whether it was the first.
    fn either(&mut self, one: &str, other: &str) -> bool {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = fs::read(self.home.path("log")).expect("there is a log");
            let new = String::from_utf8_lossy(&log[self.seen..]);
            let found = new.split_inclusive('\n').scan(0, |end, line| {
                *end += line.len();
                Some((*end, line))
            });
            let line = found.filter(|(_, line)| line.ends_with('\n'));
            let said =
                line.map(|(end, line)| (end, line.contains(one), line.contains(other))).find(|said| said.1 || said.2);
            if let Some((end, is_one, _)) = said {
                self.seen += end;
                return is_one;
            }
            assert!(Instant::now() < deadline, "neither `{one}` nor `{other}` was logged: {new}");
            thread::yield_now();
        }
    }

    /// Has all read again; says whether it could be.
    fn reload(&mut self, served: &Served) -> bool {
        served.hang_up();
        self.either(READ, NOT_READ)
    }
}

fn add(id: &str) -> Value {
    json!({"method": "addToWhitelist", "app_id": APP, "signups": [id]})
}

#[tokio::test]
async fn a_thousand_reloads_good_bad_and_half_written_end_no_connection() {
    let home = Home::new();
    let settings =
        |frames: usize| format!("error_method = {}\n[limit]\nframe_bytes_max = {frames}\n", frames.is_multiple_of(2));
    let config = home.write("guestlist.toml", settings(100_000));
    let token = |each: usize| format!("an administrators token {each:04}").replace(' ', "-");
    let file = home.write("token", token(0));
    let served = home.serve(&["--demo", "--config", &config, "--admin-token-file", &file]);
    let mut log = Log { home: &home, seen: 0 };
    let mut bot = Client::sign_in(&served.url, BOT).await;
    let (mut good, mut bad) = (0, 0);
    for each in 1..=RELOADS {
        let whole = settings(100_000 + each);
        let is_good = match each % 5 {
            0 => {
                home.write("guestlist.toml", &whole[..whole.len() / 2]);
                false
            }
            1 => {
                home.write("guestlist.toml", "listen = 7\n");
                false
            }
            2 => {
                home.write("guestlist.toml", &whole);
                home.write("token", "short");
                false
            }
            _ => {
                home.write("guestlist.toml", &whole);
                home.write("token", token(each));
                true
            }
        };
        assert_eq!(log.reload(&served), is_good, "reload {each}");
        if is_good {
            good += 1
        } else {
            bad += 1
        }
        if each % 20 == 0 {
            let ack = bot.call(add(&format!("{each}@example.com"))).await;
            assert_eq!(ack["method"], "addToWhitelist_ack", "{ack}");
        }
        if is_good && each % 50 == 3 {
            // The token that was read last lets in, and the limit that was read last holds for whoever comes now.
            let mut administrator = Client::sign_in(&served.url, &token(each)).await;
            assert_eq!(administrator.call(json!({"method": "getApps"})).await["method"], "getAppsResponse");
            let long = json!({"method": "getApps", "x": "x".repeat(100_000 + each)});
            let refused = administrator.call(long).await;
            let at_most = format!("at most {} are taken", 100_000 + each);
            assert!(refused["message"].as_str().is_some_and(|said| said.contains(&at_most)), "{refused}");
            assert_eq!(refused["method"] == "error", each.is_multiple_of(2), "{refused}");
        }
    }
    assert_eq!((good, bad), (RELOADS / 5 * 2, RELOADS / 5 * 3));
    assert_eq!(bot.call(json!({"method": "PING"})).await["method"], "PONG");
    let mut admin = Client::sign_in(&served.url, &token(RELOADS - 1)).await;
    let page = admin.call(json!({"method": "getWhitelistUsers", "app_id": APP, "page_size": 1_000})).await;
    assert_eq!(page["signups"].as_array().map(Vec::len), Some(RELOADS / 20), "{page}");
    let log = served.stop();
    assert_eq!(log.code, Some(0));
    assert!(!log.stderr.contains("administrators-token"), "no token is logged");
}

#[tokio::test]
async fn what_takes_a_restart_is_said_and_stays() {
    let home = Home::new();
    let config = home.write("guestlist.toml", "snapshot_every = 1000\n");
    let served = home.serve(&["--demo", "--config", &config]);
    let mut log = Log { home: &home, seen: 0 };
    home.write("guestlist.toml", "snapshot_every = 2000\n[limit]\nconnections_max = 7\nidle_wait = \"2m30s\"\n");
    assert!(log.reload(&served));
    served
        .must_log("some settings are other ones now, and take a restart settings=\"snapshot_every, connections_max\"");
    assert!(log.reload(&served));
    served.stop();
}

#[tokio::test]
async fn a_certificate_is_renewed_together_with_the_rest() {
    let home = Home::new();
    let authority = Authority::new(&home.path("."));
    let source = authority.certify().write(&home.path("."));
    let (cert, key) = (home.text("cert.pem"), home.text("key.pem"));
    let served = home.serve(&["--demo", "--tls-cert", &cert, "--tls-key", &key]);
    let mut log = Log { home: &home, seen: 0 };
    let before = fs::read(&source.cert).expect("it was written");
    authority.certify().write(&home.path("."));
    assert_ne!(fs::read(&source.cert).expect("it was written"), before);
    assert!(log.reload(&served));
    served.must_log("a new certificate is shown");
    served.stop();
}
