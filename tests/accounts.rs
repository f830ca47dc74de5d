//! What users and what is theirs come to when the journal is folded, at times and in numbers that no conversation has.

use guestlist::access::Caller;
use guestlist::config::{CHATS_PER_USER_MAX, ENTRIES_PER_SHARE_MAX, SESSION_MS, SESSIONS_PER_USER_MAX};
use guestlist::event::Event;
use guestlist::methods::{Change, Turn};
use guestlist::state::Writer;
use guestlist::state::digest::Digest;
use guestlist::state::moment::Moment;
use guestlist::state::password::PasswordHash;
use guestlist::state::token::{Secret, TokenHash};
use guestlist::wire::envelope::Reference;
use guestlist::wire::error::{Code, Error};
use serde_json::{Value, json};

/// A state, and the time at which the next change is made.
struct Folded {
    writer: Writer,
    at_ms: u64,
    events: Vec<Event>,
}

impl Folded {
    /// User 1 has a password, chat 1 and share 1.
    fn new() -> Self {
        let mut folded = Self { writer: Writer::default(), at_ms: 1, events: Vec::new() };
        let password = json!({"argon2id": PasswordHash::of_nobody()});
        folded.does(json!({"method": "setUser", "primary_email": "owner@example.com", "password": password}));
        folded.does(json!({"method": "setChat", "user_id": 1}));
        folded.does(json!({"method": "setShare", "user_id": 1, "chat_id": 1, "uuid_if_new": uuid(1)}));
        folded
    }

    fn tries(&mut self, message: Value) -> Result<Value, Error> {
        let method = message["method"].as_str().expect("a message has a method");
        let change = Change::read(method, &message.to_string()).expect("it is a change").expect("it can be read");
        let mut turn =
            Turn { writer: &mut self.writer, events: &mut self.events, caller: Caller::Seed, at_ms: self.at_ms };
        let answer = change.run(&mut turn)?;
        let mut frames = Vec::new();
        answer.encode(&Reference::default(), usize::MAX, &mut frames);
        Ok(serde_json::from_str(&frames[0]).expect("a frame is JSON"))
    }

    #[track_caller]
    fn does(&mut self, message: Value) -> Value {
        self.tries(message).expect("the state allows it")
    }

    /// Finds a change refused, and nothing done.
    #[track_caller]
    fn is_refused(&mut self, message: Value) -> Code {
        let before = Digest::of(self.writer.state());
        let error = self.tries(message).expect_err("the state rules it out");
        assert_eq!(Digest::of(self.writer.state()), before, "{error}");
        error.code
    }

    /// Logs user 1 in, whose password was changed so often when it was checked.
    fn logs_in(&mut self, session: &str, password_no: u64) -> Result<Value, Error> {
        let session = Secret::Hashed(TokenHash::of(session));
        let known_since = Moment::of_ms(1);
        self.tries(json!({"method": "logIn", "user_id": 1, "known_since": known_since, "password_no": password_no,
            "session": session}))
    }

    fn stands(&self, session: &str) -> bool {
        self.writer.state().session(&TokenHash::of(session)).is_some()
    }
}

fn uuid(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

#[test]
fn one_session_too_many_ends_the_oldest() {
    let mut folded = Folded::new();
    for n in 0..SESSIONS_PER_USER_MAX + 2 {
        folded.at_ms += 1;
        folded.logs_in(&format!("session {n}"), 1).expect("the password is the one that was checked");
    }
    let ended = [0, 1].map(|n| Event::TokenRevoked(TokenHash::of(&format!("session {n}"))));
    assert_eq!(folded.events, ended);
    let standing =
        (0..SESSIONS_PER_USER_MAX + 2).filter(|n| folded.stands(&format!("session {n}"))).collect::<Vec<_>>();
    assert_eq!(standing, (2..SESSIONS_PER_USER_MAX + 2).collect::<Vec<_>>());
}

#[test]
fn sessions_that_are_over_go_at_the_next_log_in_and_cannot_be_logged_out() {
    let mut folded = Folded::new();
    let ack = folded.logs_in("first", 1).expect("the password is the one that was checked");
    assert_eq!(
        (&ack["loggedInAt"], &ack["expires_at"]),
        (&json!("1970-01-01T00:00:00.001Z"), &json!("1970-01-08T00:00:00.001Z"))
    );
    folded.at_ms += SESSION_MS - 1;
    folded.logs_in("second", 1).expect("the password is the one that was checked");
    assert!(folded.stands("first") && folded.events.is_empty());
    folded.at_ms += 1;
    let first = Secret::Hashed(TokenHash::of("first"));
    assert_eq!(folded.is_refused(json!({"method": "logOut", "session": first})), Code::NotAuthenticated);
    folded.logs_in("third", 1).expect("the password is the one that was checked");
    assert!(!folded.stands("first") && folded.stands("second"));
    assert_eq!(folded.events, [Event::TokenRevoked(TokenHash::of("first"))]);
}

#[test]
fn a_log_in_that_was_checked_against_an_earlier_password_is_refused() {
    let mut folded = Folded::new();
    folded.logs_in("first", 1).expect("the password is the one that was checked");
    let password = json!({"argon2id": PasswordHash::of_nobody()});
    folded.does(json!({"method": "setUser", "user_id": 1, "password": password}));
    assert!(!folded.stands("first"), "a new password ends the sessions");
    assert_eq!(folded.logs_in("late", 1).expect_err("it is not the password any more").code, Code::NotAuthenticated);
    assert!(!folded.stands("late"));
    folded.logs_in("second", 2).expect("the password is the one that was checked");
}

#[test]
fn a_log_in_that_was_checked_for_a_user_before_of_the_same_id_is_refused() {
    let mut folded = Folded::new();
    folded.at_ms += 1;
    folded.does(json!({"method": "removeUser", "user_id": 1}));
    let password = json!({"argon2id": PasswordHash::of_nobody()});
    folded.does(json!({"method": "setUser", "user_id": 1, "primary_email": "next@example.com", "password": password}));
    assert_eq!(folded.logs_in("late", 1).expect_err("it is somebody else").code, Code::NotAuthenticated);
    assert!(!folded.stands("late"));
}

#[test]
fn what_changes_nothing_leaves_the_time_of_the_last_change() {
    let mut folded = Folded::new();
    for message in [
        json!({"method": "setUser", "user_id": 1, "primary_email": "owner@example.com"}),
        json!({"method": "setChat", "user_id": 1, "chat_id": 1, "name": ""}),
        json!({"method": "setShare", "user_id": 1, "chat_id": 1, "is_shared": true, "password": null}),
    ] {
        folded.at_ms += 1;
        let ack = folded.does(message);
        assert_eq!(ack["updated_at"], "1970-01-01T00:00:00.001Z", "{ack}");
    }
}

#[test]
fn a_user_has_so_many_chats_and_no_more() {
    let mut folded = Folded::new();
    for _ in 1..CHATS_PER_USER_MAX {
        folded.does(json!({"method": "setChat", "user_id": 1}));
    }
    assert_eq!(folded.is_refused(json!({"method": "setChat", "user_id": 1})), Code::TooLarge);
    folded.does(json!({"method": "setChat", "user_id": 1, "chat_id": 1, "name": "changed all the same"}));
    folded.does(json!({"method": "removeChat", "user_id": 1, "chat_ids": [2]}));
    folded.does(json!({"method": "setChat", "user_id": 1}));
}

#[test]
fn a_list_has_so_many_users_and_takes_all_or_none() {
    let mut folded = Folded::new();
    let email = |n: usize| format!("u{n}@example.com");
    for n in 0..ENTRIES_PER_SHARE_MAX {
        folded.does(json!({"method": "setUser", "primary_email": email(n)}));
    }
    let add = |from: usize, to: usize| {
        let emails: Vec<String> = (from..to).map(email).collect();
        json!({"method": "addToShareWhitelist", "user_id": 1, "chat_id": 1, "share_id": 1, "emails": emails})
    };
    // The owner has a place of their own.
    folded.does(add(0, ENTRIES_PER_SHARE_MAX - 2));
    let two_more = add(ENTRIES_PER_SHARE_MAX - 2, ENTRIES_PER_SHARE_MAX);
    assert_eq!(folded.is_refused(two_more.clone()), Code::TooLarge);
    folded.does(add(ENTRIES_PER_SHARE_MAX - 2, ENTRIES_PER_SHARE_MAX - 1));
    let standing = folded.does(add(0, 3));
    assert_eq!(standing["shareWhitelistEntries"].as_array().map(Vec::len), Some(4));
    let remove = json!({"method": "removeFromShareWhitelist", "user_id": 1, "chat_id": 1, "share_id": 1,
        "emails": [email(0), email(1)]});
    folded.does(remove);
    folded.does(two_more);
}

#[test]
fn after_the_highest_id_there_is_none() {
    let mut folded = Folded::new();
    folded.does(json!({"method": "setUser", "user_id": 2_147_483_647, "primary_email": "last@example.com"}));
    folded.does(json!({"method": "setChat", "user_id": 1, "chat_id": 2_147_483_647}));
    let share = json!({"method": "setShare", "user_id": 1, "chat_id": 2_147_483_647, "share_id": 2_147_483_647,
        "share_uuid": uuid(2)});
    folded.does(share);
    assert_eq!(folded.is_refused(json!({"method": "setUser", "primary_email": "late@example.com"})), Code::Conflict);
    assert_eq!(folded.is_refused(json!({"method": "setChat", "user_id": 1})), Code::Conflict);
    folded.does(json!({"method": "setChat", "user_id": 1, "chat_id": 7}));
    let late = json!({"method": "setShare", "user_id": 1, "chat_id": 7, "uuid_if_new": uuid(3)});
    assert_eq!(folded.is_refused(late), Code::Conflict);
}
