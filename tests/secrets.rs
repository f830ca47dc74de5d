//! No secret is told twice: whatever is done with tokens, keys, sessions and passwords, rightly or wrongly, none of them is in the
//! log at its most talkative, in the output, in the journal, in a snapshot, or in an answer but the one that shows a made secret
//! to whom it was made for.

#[path = "secrets/shares.rs"]
mod shares;
mod support;
#[path = "secrets/tokens.rs"]
mod tokens;
#[path = "secrets/users.rs"]
mod users;
#[path = "secrets/witness.rs"]
mod witness;

use std::fs;
use std::path::Path;

use guestlist::config::ERROR_BYTES_MAX;
use serde_json::json;
use support::http::{ORG, ORG_KEY, OWNER, OWNER_PASSWORD};
use support::process::Served;
use support::stage::{BOB_ID, OWNER_ID, Stage};
use support::{ADMIN, Client};
use tempfile::TempDir;
use witness::{Witness, hashed_forms};

/// All files of a data directory, as text.
fn files(data: &Path) -> Vec<(String, String)> {
    let entries = data.read_dir().expect("the data directory can be listed");
    let read = |path: &Path| String::from_utf8_lossy(&fs::read(path).expect("a listed file can be read")).into_owned();
    entries
        .map(|entry| entry.expect("the data directory can be listed").path())
        .map(|path| (path.display().to_string(), read(&path)))
        .collect()
}

#[tokio::test]
async fn no_secret_is_told_but_once_by_whatever_is_done_with_it() {
    let home = TempDir::new().expect("a temporary directory");
    let (data, log) = (home.path().join("data"), home.path().join("log"));
    let served = Served::start(&data, &log, &["--demo", "--log", "trace", "--snapshot-every", "30"]);
    let mut witness = Witness::new(&served.url);
    tokens::tokens(&mut witness).await;
    users::users(&mut witness).await;
    shares::shares(&mut witness).await;
    tokens::keys(&mut witness).await;
    shares::questions(&mut witness).await;

    let mut told = witness.told_in_answers();
    let mut places = files(&data);
    let stopped = served.stop();
    assert_eq!(stopped.code, Some(0));
    places.extend(files(&data));
    assert!(places.iter().any(|(path, text)| path.contains("snapshot-") && text.contains("argon2id")));
    assert!(places.iter().any(|(path, text)| path.contains("journal-") && text.contains("argon2id")));
    assert!(stopped.stderr.contains("TRACE") || stopped.stderr.contains("DEBUG"), "the log says little");
    assert!(!stopped.stderr.contains("$argon2"), "a password's hash is in the log");
    places.push(("the log".to_owned(), stopped.stderr));
    places.push(("the output".to_owned(), stopped.stdout));
    for (place, text) in &places {
        told.extend(witness.told_in(place, text));
    }
    told.dedup();
    let (count, secrets, answers) = (told.len(), witness.secrets.len(), witness.heard.len());
    assert!(told.is_empty(), "{count} times one of {secrets} secrets was told:\n\n{}", told.join("\n"));
    // So that this would have found something.
    let refusals = witness.heard.iter().filter(|heard| heard.is_refusal).count();
    assert!(
        secrets > 40 && answers > 400 && refusals > 250,
        "{secrets} secrets, {answers} answers, {refusals} refusals"
    );
    let longest = witness.heard.iter().filter(|heard| heard.is_refusal).map(|heard| heard.text.len()).max();
    assert!(longest.is_some_and(|bytes| bytes < 20 * ERROR_BYTES_MAX), "a refusal has {longest:?} bytes");
}

#[tokio::test]
async fn the_hash_of_a_secret_is_as_good_as_any_wrong_secret() {
    let mut stage = Stage::new().await;
    stage.amy().await;
    let [admin, key] = [ADMIN, ORG_KEY].map(|secret| hashed_forms(secret)[0].clone());
    let mut files = files(stage.directory.path()).into_iter();
    let (_, journal) = files.find(|(path, _)| path.contains("journal-")).expect("there is a segment");
    assert!(journal.contains(&admin) && journal.contains(&key), "these are what is kept");
    let start = journal.find("$argon2id$").expect("there is a password");
    let password = journal[start..].split('"').next().expect("it ends with a quote");
    for token in [json!({"sha256": admin}), json!(admin), json!({"sha256": key}), json!(key)] {
        let mut client = Client::connect(&stage.gateway.url()).await;
        let answer = client.call(json!({"method": "TOKEN_AUTH", "token": token}).to_string()).await;
        assert!(matches!(answer["error"].as_u64(), Some(400 | 401)), "{token}: {answer}");
    }
    for token in [&admin, &key] {
        stage.http.post("/api/getApps").bearer(token).send().await.expect(401);
        stage.http.get(format!("/admin/whitelist?api_key={token}")).send().await.expect(401);
        stage.http.head("/api/auth/check").session(token).send().await.expect(401);
    }
    // Nobody sets a hash in place of a secret, and is let in by whatever was hashed to it.
    let (hash, grants) = (json!({"argon2id": password}), json!([{"permission": "admin"}]));
    for message in [
        json!({"method": "setBot", "bot_id": "7", "grants": grants, "token": {"sha256": key}}),
        json!({"method": "setApiKey", "org_id": ORG, "email": "admin@example.com", "api_key": {"sha256": admin}}),
        json!({"method": "setUser", "user_id": BOB_ID, "password": hash}),
        json!({"method": "setShare", "user_id": OWNER_ID, "chat_id": 123, "password": hash}),
        json!({"method": "signUp", "email": "new@example.com", "password": hash}),
        json!({"method": "signUp", "email": "new@example.com", "password": OWNER_PASSWORD, "confirmPassword": hash}),
        json!({"method": "logIn", "email": OWNER, "password": hash}),
        json!({"method": "logIn", "email": OWNER, "password": password}),
        json!({"method": "logOut", "session": {"sha256": admin}}),
    ] {
        let answer = stage.admin.call(message.to_string()).await;
        assert!(matches!(answer["error"].as_u64(), Some(400 | 401)), "{message} was answered by {answer}");
    }
}
