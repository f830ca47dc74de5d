//! This is where the benches of the hot path get what they measure: messages as bots send them, lists of any length, and the
//! steps that a message goes through, each as it is live.

use guestlist::access::{Caller, Sender, View};
use guestlist::config::FRAME_OUT_BYTES_MAX;
use guestlist::counts::Decisions;
use guestlist::fold::fold;
use guestlist::journal::{Entry, Stamp, write_entry};
use guestlist::methods::{Answer, Change, Command, Query};
use guestlist::random::Random;
use guestlist::state::id::{AppId, BotId};
use guestlist::state::{State, Writer};
use guestlist::testing::demo;
use guestlist::wire::envelope::Reference;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// As in the gateway.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
        let app = demo::APP;
        lists.seed(&format!(r#"{{"method":"setApp","app_id":"{app}","use_whitelist":true,"use_blacklist":true}}"#));
        let grant = format!(r#"{{"permission":"signup_management","app_id":"{app}"}}"#);
        let rights = format!(r#""apps":["{app}"],"grants":[{grant}],"token":"{}""#, demo::BOT);
        lists.seed(&format!(r#"{{"method":"setBot","bot_id":"{}",{rights}}}"#, BOT.0));
        for first in (0..entries).step_by(CALL) {
            let signups = quoted((first..entries.min(first + CALL)).map(guest));
            lists.seed(&format!(r#"{{"method":"addToWhitelist","app_id":"{app}","signups":[{signups}]}}"#));
        }
        for first in (0..patterns).step_by(CALL) {
            let texts = quoted((first..patterns.min(first + CALL)).map(pattern));
            lists.seed(&format!(r#"{{"method":"addBlacklistPatterns","app_id":"{app}","patterns":[{texts}]}}"#));
        }
        lists
    }

    fn seed(&mut self, message: &str) {
        let (Command::Change(mut change), _) = decode(message) else { panic!("only changes seed") };
        let view = View::new(self.state(), Caller::Seed, AT_MS);
        change.admit(Sender { view, bound_app: None }).expect("a seed may do everything");
        change.prepare(view, &Random::default()).expect("a seed is well formed");
        self.run_by(Caller::Seed, change);
    }

    /// What is known.
    pub fn state(&self) -> &State {
        self.writer.state()
    }

    fn view(&self) -> View<'_> {
        View::new(self.state(), Caller::Bot(BOT), AT_MS)
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
        let entry = Entry { seq: self.state().folded() + 1, at_ms: AT_MS, by, change, revision: None };
        fold(&mut self.writer, entry, &mut Vec::new()).expect("it is accepted")
    }

    /// Answers a question, with a frame.
    pub fn answer(&self, query: &Query, reference: &Reference) -> Vec<Utf8Bytes> {
        let mut frames = Vec::with_capacity(1);
        query
            .answer(self.view(), &Decisions::default(), reference, FRAME_OUT_BYTES_MAX, &mut frames)
            .expect("it is answered");
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

/// Texts as JSON has them in an array.
fn quoted(texts: impl Iterator<Item = String>) -> String {
    let quoted: Vec<String> = texts.map(|text| serde_json::Value::from(text).to_string()).collect();
    quoted.join(",")
}

/// A message that adds somebody, with a tag.
pub fn add(number: usize) -> String {
    let (app, id) = (demo::APP, guest(number));
    let signups = format!(r#"[{{"signup_id":"{id}","tags":["4"]}}]"#);
    format!(r#"{{"method":"addToWhitelist","app_id":"{app}","signups":{signups},"reference":1000000007}}"#)
}

/// A message that asks whether somebody may sign up.
pub fn check(number: usize) -> String {
    let (app, id) = (demo::APP, guest(number));
    let who = format!(r#""subject":{{"type":"user","id":"{id}"}},"action":{{"name":"sign_up"}}"#);
    let what = format!(r#""resource":{{"type":"app","id":"{app}"}}"#);
    format!(r#"{{"method":"checkAccess",{who},{what},"reference":1000000007}}"#)
}

/// A message that asks for a page that begins with an entry.
pub fn page(entry: usize) -> String {
    let (app, number) = (demo::APP, entry / PAGE);
    let page = format!(r#""page_size":{PAGE},"page_number":{number}"#);
    format!(r#"{{"method":"getWhitelistUsers","app_id":"{app}",{page},"reference":1000000007}}"#)
}

/// Reads a message with its reference.
pub fn decode(frame: &str) -> (Command, Reference) {
    Command::open(frame).expect("it is well formed, and written as SDKs do")
}

/// The change in a frame.
pub fn change(frame: &str) -> (Change, Reference) {
    match decode(frame) {
        (Command::Change(change), reference) => (change, reference),
        (Command::Query(_) | Command::Wish(_), _) => panic!("{frame} changes nothing"),
    }
}

/// The question in a frame.
pub fn query(frame: &str) -> (Query, Reference) {
    match decode(frame) {
        (Command::Query(query), reference) => (query, reference),
        (Command::Change(_) | Command::Wish(_), _) => panic!("{frame} changes something"),
    }
}

/// What all lines of a batch have in common.
pub fn stamp() -> Stamp {
    Stamp::new(AT_MS, Caller::Bot(BOT))
}

/// Appends a change's line to what the journal is about to write.
pub fn journal(change: &Change, stamp: &Stamp, lines: &mut Vec<u8>) {
    let mut message = Vec::new();
    change.write(&mut message);
    write_entry(lines, 7, 6, stamp, &message);
}

/// Makes an answer a frame.
pub fn encode(answer: Answer, reference: &Reference) -> Vec<Utf8Bytes> {
    let mut frames = Vec::with_capacity(1);
    answer.encode(reference, FRAME_OUT_BYTES_MAX, &mut frames);
    frames
}
