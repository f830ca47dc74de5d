//! This is where the benches of the hot path get what they measure: messages as bots send them, lists of any length, and the
//! steps that a message goes through, each as it is live.

use guestlist::access::{Caller, Sender, View};
use guestlist::config::FRAME_OUT_BYTES_MAX;
use guestlist::fold::fold;
use guestlist::journal::{Entry, write_entry};
use guestlist::methods::{Answer, Change, Command, Query};
use guestlist::random::Random;
use guestlist::state::id::{AppId, BotId};
use guestlist::state::{State, Writer};
use guestlist::testing::demo;
use guestlist::wire::envelope::{self, Reference};
use serde_json::json;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Entries of the lists that are neither short nor so long that a bench takes minutes to begin.
pub const ENTRIES: usize = 100_000;

/// Entries of a page.
const PAGE: usize = 50;

/// Entries and patterns that are added by one message.
const CALL: usize = 1_000;

/// When everything happens, in milliseconds since 1970.
const AT_MS: u64 = 1_800_000_000_000;

/// The demo bot.
const BOT: BotId = BotId(90_091_784_056_528_980);

/// An app with its lists, and the bot that keeps them.
pub struct Lists {
    writer: Writer,
}

impl Lists {
    /// Lists with so many people on the whitelist and so many patterns on the blacklist, which every check has to go through.
    pub fn new(entries: usize, patterns: usize) -> Self {
        let mut lists = Self { writer: Writer::default() };
        lists.seed(json!({"method": "setApp", "app_id": demo::APP, "use_whitelist": true, "use_blacklist": true}));
        let grants = [json!({"permission": "signup_management", "app_id": demo::APP})];
        lists.seed(
            json!({"method": "setBot", "bot_id": BOT, "apps": [demo::APP], "grants": grants, "token": demo::BOT}),
        );
        for first in (0..entries).step_by(CALL) {
            let signups: Vec<_> = (first..entries.min(first + CALL)).map(guest).collect();
            lists.seed(json!({"method": "addToWhitelist", "app_id": demo::APP, "signups": signups}));
        }
        for first in (0..patterns).step_by(CALL) {
            let texts: Vec<_> = (first..patterns.min(first + CALL)).map(pattern).collect();
            lists.seed(json!({"method": "addBlacklistPatterns", "app_id": demo::APP, "patterns": texts}));
        }
        lists
    }

    fn seed(&mut self, message: serde_json::Value) {
        let (Command::Change(mut change), _) = decode(&message.to_string().into()) else { panic!("only changes seed") };
        let view = View { state: self.state(), caller: Caller::Seed, at_ms: AT_MS };
        change.admit(Sender { view, bound_app: None }).expect("a seed may do everything");
        change.prepare(view, &Random::default()).expect("a seed is well formed");
        self.run_by(Caller::Seed, change);
    }

    /// What is known.
    pub fn state(&self) -> &State {
        self.writer.state()
    }

    fn view(&self) -> View<'_> {
        View { state: self.state(), caller: Caller::Bot(BOT), at_ms: AT_MS }
    }

    /// The gate, the bounds, and the check against the state as it stands.
    pub fn admit(&self, change: &mut Change) {
        change.admit(Sender { view: self.view(), bound_app: None }).expect("the bot may");
        change.check(self.view()).expect("nothing stands against it");
    }

    /// The gate and the bounds of a question.
    pub fn admit_query(&self, query: &mut Query) {
        query.admit(Sender { view: self.view(), bound_app: None }).expect("the bot may");
    }

    /// Makes a change.
    pub fn run(&mut self, change: Change) -> Answer {
        self.run_by(Caller::Bot(BOT), change)
    }

    fn run_by(&mut self, by: Caller, change: Change) -> Answer {
        let entry = Entry { seq: self.state().folded() + 1, at_ms: AT_MS, by, change };
        fold(&mut self.writer, entry, &mut Vec::new()).expect("it is accepted")
    }

    /// Answers a question, with a frame.
    pub fn answer(&self, query: &Query, reference: &Reference) -> Vec<Utf8Bytes> {
        let mut frames = Vec::with_capacity(1);
        query.answer(self.view(), reference, FRAME_OUT_BYTES_MAX, &mut frames).expect("it is answered");
        frames
    }

    /// Whether somebody may sign up, without the message around it.
    pub fn decide(&self, signup_id: &str) -> bool {
        let app: AppId = demo::APP.parse().expect("the demo's app has an id");
        self.state().app(app).expect("the app is there").decide(signup_id).reason.allows()
    }
}

/// An address that is on lists with more entries than its number.
pub fn guest(number: usize) -> String {
    format!("guest{number:012}@x.test")
}

/// A third each of what ends, begins and has something in it, as people write them.
fn pattern(number: usize) -> String {
    match number % 3 {
        0 => format!(".*@company{number}\\.example"),
        1 => format!("team{number}-.*"),
        _ => format!(".*-banned{number}-.*"),
    }
}

/// A message that adds somebody, with a tag.
pub fn add(number: usize) -> Utf8Bytes {
    let id = guest(number);
    frame(json!({"method": "addToWhitelist", "app_id": demo::APP, "signups": [{"signup_id": id, "tags": ["4"]}]}))
}

/// A message that asks whether somebody may sign up.
pub fn check(number: usize) -> Utf8Bytes {
    let subject = json!({"type": "user", "id": guest(number)});
    let resource = json!({"type": "app", "id": demo::APP});
    frame(json!({"method": "checkAccess", "subject": subject, "action": {"name": "sign_up"}, "resource": resource}))
}

/// A message that asks for a page that begins with an entry.
pub fn page(entry: usize) -> Utf8Bytes {
    let number = entry / PAGE;
    frame(json!({"method": "getWhitelistUsers", "app_id": demo::APP, "page_size": PAGE, "page_number": number}))
}

fn frame(mut message: serde_json::Value) -> Utf8Bytes {
    message["reference"] = 1_000_000_007_u64.into();
    message.to_string().into()
}

/// Opens a frame and reads its message.
pub fn decode(frame: &Utf8Bytes) -> (Command, Reference) {
    let envelope = envelope::open(frame).expect("it is a message");
    let command = Command::read(&envelope.method, frame).expect("it is well formed");
    (command, envelope.reference)
}

/// The change in a frame.
pub fn change(frame: &Utf8Bytes) -> (Change, Reference) {
    match decode(frame) {
        (Command::Change(change), reference) => (change, reference),
        (Command::Query(_), _) => panic!("{frame} changes nothing"),
    }
}

/// The question in a frame.
pub fn query(frame: &Utf8Bytes) -> (Query, Reference) {
    match decode(frame) {
        (Command::Query(query), reference) => (query, reference),
        (Command::Change(_), _) => panic!("{frame} changes something"),
    }
}

/// Appends a change's line to what the journal is about to write.
pub fn journal(change: &Change, lines: &mut Vec<u8>) {
    let mut message = Vec::new();
    change.write(&mut message);
    write_entry(lines, 7, 6, AT_MS, Caller::Bot(BOT), &message);
}

/// Makes an answer a frame.
pub fn encode(answer: Answer, reference: &Reference) -> Vec<Utf8Bytes> {
    let mut frames = Vec::with_capacity(1);
    answer.encode(reference, FRAME_OUT_BYTES_MAX, &mut frames);
    frames
}
