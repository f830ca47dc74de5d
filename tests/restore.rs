//! What a snapshot must not hold: the start names the record that does not fit, and fails over none.

use guestlist::state::Writer;
use guestlist::state::digest::Digest;
use guestlist::state::restore::{Restore, RestoreError};
use guestlist::state::token::TokenHash;
use serde_json::{Value, json};

const AT: &str = "2024-03-20T10:00:00.000Z";

fn restored(records: &[Value]) -> Result<Digest, RestoreError> {
    let mut writer = Writer::default();
    let mut restore = Restore::new(&mut writer);
    for record in records {
        let text = record.to_string();
        restore.take(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))?;
    }
    restore.finish(Digest::default())?;
    Ok(Digest::of(writer.state()))
}

fn bot(id: &str, token: &str) -> Value {
    json!({"bot": {"bot_id": id, "name": "", "apps": [], "grants": [], "token": TokenHash::of(token)}})
}

fn user(id: u32, email: &str) -> Value {
    json!({"user": {"user_id": id, "primary_email": email, "password_no": 0, "created_at": AT, "updated_at": AT}})
}

fn session(user: u32, token: &str) -> Value {
    json!({"session": {"token": TokenHash::of(token), "user_id": user, "created_at": AT, "expires_at": AT}})
}

fn chat(id: u32, user: u32) -> Value {
    json!({"chat": {"chat_id": id, "user_id": user, "name": "", "created_at": AT, "updated_at": AT}})
}

fn share(id: u32, chat: u32, user: u32, uuid: u32) -> Value {
    json!({"share": {"share_id": id, "share_uuid": format!("00000000-0000-4000-8000-{uuid:012}"), "chat_id": chat,
        "user_id": user, "is_shared": true, "is_protected": false, "use_whitelist": true, "created_at": AT, "updated_at": AT}})
}

fn entry(id: u32, share: u32, user: u32) -> Value {
    let entry = json!({"entry_id": id, "user_id": user, "created_at": AT, "updated_at": AT});
    json!({"share_entry": {"share_id": share, "entry": entry}})
}

fn organization(id: &str) -> Value {
    json!({"organization": {"org_id": id, "name": "", "created_at": AT, "updated_at": AT}})
}

fn member(id: u32, org: &str, email: &str) -> Value {
    let member = json!({"member_id": id, "name": "Amy", "email": email, "permissions": ["can_read"], "start_date": AT,
        "created_at": AT, "updated_at": AT});
    json!({"member": {"org_id": org, "member": member}})
}

fn key(id: u32, org: &str, email: &str, token: &str) -> Value {
    json!({"api_key": {"key_id": id, "org_id": org, "email": email, "name": "", "token": TokenHash::of(token),
        "created_at": AT}})
}

/// A record of each kind, in an order in which they come.
fn good() -> Vec<Value> {
    vec![
        json!({"app": {"settings": {"app_id": "1", "name": "", "app_builder": true, "use_whitelist": false,
            "use_blacklist": false, "tags": []}, "last_signup": 0, "last_pattern": 0}}),
        bot("1", "bot"),
        json!({"last_ids": {"user": 9, "chat": 9, "share": 9, "entry": 9, "member": 9, "key": 9}}),
        user(1, "amy@example.com"),
        session(1, "session"),
        user(2, "bob@example.com"),
        chat(1, 1),
        chat(2, 1),
        share(1, 1, 1, 1),
        entry(5, 1, 1),
        organization("acme"),
        member(5, "acme", "amy@example.com"),
        key(1, "acme", "amy@example.com", "key"),
    ]
}

#[test]
fn a_record_that_stands_already_is_refused() {
    let good = good();
    restored(&good).expect("the records fit");
    for again in &good {
        let mut records = good.clone();
        records.push(again.clone());
        let error = restored(&records).expect_err(&again.to_string());
        assert!(matches!(error, RestoreError::OutOfOrder(_)), "{again}: {error}");
    }
}

#[test]
fn what_only_one_may_have_is_refused_to_a_second() {
    for second in [
        bot("2", "bot"),
        bot("2", "session"),
        user(3, "Amy@Example.com"),
        session(2, "session"),
        session(2, "bot"),
        share(2, 1, 1, 2),
        share(2, 2, 1, 1),
        entry(6, 1, 1),
        entry(4, 1, 2),
        member(6, "acme", "AMY@example.com"),
        member(4, "acme", "bob@example.com"),
        key(2, "acme", "amy@example.com", "key"),
        key(2, "acme", "amy@example.com", "session"),
    ] {
        let mut records = good();
        records.push(second.clone());
        let error = restored(&records).expect_err(&second.to_string());
        assert!(matches!(error, RestoreError::OutOfOrder(_)), "{second}: {error}");
    }
}

#[test]
fn what_belongs_to_nothing_is_refused() {
    for orphan in [
        session(3, "other"),
        chat(3, 3),
        share(2, 3, 1, 2),
        share(2, 2, 2, 2),
        entry(6, 2, 2),
        entry(6, 1, 3),
        member(6, "other", "bob@example.com"),
        key(2, "other", "amy@example.com", "other"),
        key(2, "acme", "bob@example.com", "other"),
    ] {
        let mut records = good();
        records.push(orphan.clone());
        let error = restored(&records).expect_err(&orphan.to_string());
        assert!(matches!(error, RestoreError::Orphan(_)), "{orphan}: {error}");
    }
}

#[test]
fn an_id_that_was_never_given_is_refused() {
    for late in [
        user(10, "carol@example.com"),
        chat(10, 1),
        share(10, 2, 1, 2),
        entry(10, 1, 2),
        member(10, "acme", "bob@example.com"),
        key(10, "acme", "amy@example.com", "other"),
    ] {
        let mut records = good();
        records.push(late.clone());
        let error = restored(&records).expect_err(&late.to_string());
        assert!(matches!(error, RestoreError::NeverGiven(_)), "{late}: {error}");
    }
}
