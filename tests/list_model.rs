//! Random sequences of list operations over the wire, restarts among them, against a model as plain as can be: order, ids,
//! pages, cursors and searches. `GUESTLIST_LONG=1` tries ten times as many.

mod support;

use std::fs;
use std::time::Instant;

use guestlist::config::Limits;
use guestlist::gateway::{Gateway, Options, Store};
use guestlist::journal::file::Durability;
use guestlist::state::digest::Digest;
use guestlist::state::signup_list::{Entry, SignupList, Tags};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use support::{APP, BOT, Client, options};
use tempfile::TempDir;

const CASES: u32 = 64;
const CASES_LONG: u32 = 640;
const LISTS: [&str; 2] = ["Whitelist", "Blacklist"];

/// A sign-up: whose it is, and in which of several spellings.
type Spelt = (usize, usize);

#[derive(Clone, Debug)]
enum Op {
    Add(usize, Vec<(Spelt, Option<Vec<u8>>)>),
    Remove(usize, Vec<Spelt>),
    Page(usize, usize, usize),
    /// Goes one page on in the list's walk by cursor, or begins one.
    Walk(usize, usize),
    Search(Search),
    /// A clean stop and a start, or a start on the files as they stand.
    Restart(bool),
}

/// A search of a list, all pages of it.
#[derive(Clone, Debug)]
struct Search {
    list: usize,
    size: usize,
    text: &'static str,
    by_signup_id: bool,
    descending: bool,
}

fn search() -> impl Strategy<Value = Search> {
    let texts = prop_oneof![Just(""), Just("user"), Just("R1"), Just(" 3 "), Just("@example.com"), Just("nobody")];
    let search = (0..LISTS.len(), 1..6_usize, texts, any::<bool>(), any::<bool>());
    search.prop_map(|(list, size, text, by_signup_id, descending)| Search {
        list,
        size,
        text,
        by_signup_id,
        descending,
    })
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let (list, size) = (0..LISTS.len(), 1..6_usize);
    let spelt = || (0..12_usize, 0..3_usize);
    let tagged = (spelt(), proptest::option::of(vec(0..9_u8, 0..3)));
    let op = prop_oneof![
        6 => (list.clone(), vec(tagged, 0..5)).prop_map(|(list, signups)| Op::Add(list, signups)),
        3 => (list.clone(), vec(spelt(), 0..4)).prop_map(|(list, signups)| Op::Remove(list, signups)),
        2 => (list.clone(), size.clone(), 0..5_usize).prop_map(|(list, size, number)| Op::Page(list, size, number)),
        6 => (list, size).prop_map(|(list, size)| Op::Walk(list, size)),
        2 => search().prop_map(Op::Search),
        1 => any::<bool>().prop_map(Op::Restart),
    ];
    vec(op, 1..60)
}

fn spell((name, spelling): Spelt) -> String {
    match spelling {
        0 => format!("user{name}@example.com"),
        1 => format!("USER{name}@Example.COM"),
        _ => format!(" user{name}@example.com\t"),
    }
}

/// Somebody on a list of the model.
#[derive(Clone, Debug)]
struct Member {
    id: u64,
    name: usize,
    signup_id: String,
    tags: Vec<String>,
}

impl Member {
    fn record(&self) -> Value {
        let mut record = json!({"id": self.id.to_string(), "signup_id": self.signup_id});
        if !self.tags.is_empty() {
            record["tags"] = json!(self.tags);
        }
        record
    }
}

/// A walk by cursor that is under way.
#[derive(Debug, Default)]
struct Walk {
    cursor: String,
    seen: Vec<u64>,
    stood_at_its_start: Vec<u64>,
}

#[derive(Debug, Default)]
struct Model {
    last_id: u64,
    lists: [Vec<Member>; 2],
    walks: [Option<Walk>; 2],
}

impl Model {
    fn add(&mut self, list: usize, (spelt, tags): &(Spelt, Option<Vec<u8>>)) -> Value {
        let tags = tags.as_ref().filter(|_| LISTS[list] == "Whitelist");
        let tags = tags.map(|tags| tags.iter().map(u8::to_string).collect());
        let members = &mut self.lists[list];
        if let Some(member) = members.iter_mut().find(|member| member.name == spelt.0) {
            member.tags = tags.unwrap_or_else(|| member.tags.clone());
            return member.record();
        }
        self.last_id += 1;
        let member =
            Member { id: self.last_id, name: spelt.0, signup_id: spell(*spelt), tags: tags.unwrap_or_default() };
        members.push(member.clone());
        member.record()
    }

    fn remove(&mut self, list: usize, spelt: Spelt) -> Option<String> {
        let at = self.lists[list].iter().position(|member| member.name == spelt.0)?;
        Some(self.lists[list].remove(at).signup_id)
    }
}

/// A gateway and the model that it must agree with.
struct Run {
    directory: TempDir,
    gateway: Gateway,
    client: Client,
    model: Model,
}

fn settings(directory: &TempDir) -> Options {
    // Snapshots at stops only, so that files can be copied while a gateway runs.
    let (path, snapshot_every) = (directory.path().to_owned(), u64::MAX);
    let store = Store::Directory { path, durability: Durability::Relaxed, snapshot_every };
    Options { store, ..options(directory.path(), Limits::default()) }
}

impl Run {
    async fn new() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let gateway = Gateway::start(settings(&directory)).await.expect("the gateway starts");
        let client = Client::sign_in(&gateway.url(), BOT).await;
        Self { directory, gateway, client, model: Model::default() }
    }

    async fn step(mut self, op: &Op) -> Self {
        match op {
            Op::Add(list, signups) => {
                let sent: Vec<Value> = signups
                    .iter()
                    .map(|(spelt, tags)| match tags {
                        Some(tags) => json!({"signup_id": spell(*spelt), "tags": tags}),
                        None => json!(spell(*spelt)),
                    })
                    .collect();
                let expected: Vec<Value> = signups.iter().map(|signup| self.model.add(*list, signup)).collect();
                assert_eq!(self.call("addTo", *list, "", json!({"signups": sent})).await["signups"], json!(expected));
            }
            Op::Remove(list, signups) => {
                let sent: Vec<String> = signups.iter().map(|spelt| spell(*spelt)).collect();
                let expected: Vec<String> =
                    signups.iter().filter_map(|spelt| self.model.remove(*list, *spelt)).collect();
                let ack = self.call("removeFrom", *list, "", json!({"signups": sent})).await;
                assert_eq!(ack["signups"], json!(expected));
            }
            Op::Page(list, size, number) => self.page(*list, *size, *number).await,
            Op::Walk(list, size) => self.walk(*list, *size).await,
            Op::Search(search) => self.search(search).await,
            Op::Restart(clean) => self = self.restart(*clean).await,
        }
        self
    }

    async fn call(&mut self, verb: &str, list: usize, noun: &str, mut message: Value) -> Value {
        message["method"] = json!(format!("{verb}{}{noun}", LISTS[list]));
        message["app_id"] = json!(APP);
        self.client.call(message.to_string()).await
    }

    async fn page(&mut self, list: usize, size: usize, number: usize) {
        let ask = json!({"page_size": size, "page_number": number});
        let page = self.call("get", list, "Users", ask).await;
        let members = &self.model.lists[list];
        let expected: Vec<Value> = members.iter().skip(size * number).take(size).map(Member::record).collect();
        assert_eq!(page["signups"], json!(expected));
        assert_eq!(page["eop"], json!(members.len() <= size * (number + 1)));
        assert_eq!((&page["page_number"], page.get("cursor")), (&json!(number), None));
    }

    async fn walk(&mut self, list: usize, size: usize) {
        let standing: Vec<u64> = self.model.lists[list].iter().map(|member| member.id).collect();
        let walk = self.model.walks[list].take();
        let mut walk = walk.unwrap_or_else(|| Walk { stood_at_its_start: standing.clone(), ..Walk::default() });
        let page = self.call("get", list, "Users", json!({"page_size": size, "cursor": walk.cursor})).await;
        let after = walk.cursor.parse().unwrap_or(0);
        let left = self.model.lists[list].iter().filter(|member| member.id > after);
        let expected: Vec<Value> = left.clone().take(size).map(Member::record).collect();
        assert_eq!(page["signups"], json!(expected), "the page after {after}");
        walk.seen.extend(left.clone().take(size).map(|member| member.id));
        let more = left.count() > size;
        assert_eq!((&page["eop"], page.get("page_number")), (&json!(!more), None));
        assert_eq!(page.get("cursor").is_some(), more, "{page}");
        if let Some(cursor) = page["cursor"].as_str() {
            walk.cursor = cursor.to_owned();
            self.model.walks[list] = Some(walk);
            return;
        }
        assert!(walk.seen.is_sorted_by(|before, after| before < after), "the walk repeats: {walk:?}");
        let mut stayed = walk.stood_at_its_start.iter().filter(|id| standing.contains(id));
        assert!(stayed.all(|id| walk.seen.contains(id)), "the walk skips: {walk:?}, {standing:?}");
    }

    async fn search(&mut self, search: &Search) {
        let text = search.text.trim().to_lowercase();
        let has = |field: &str| field.to_lowercase().contains(&text);
        let members = self.model.lists[search.list].iter();
        let mut expected: Vec<&Member> =
            members.filter(|member| has(member.signup_id.trim()) || member.tags.iter().any(|tag| has(tag))).collect();
        if search.by_signup_id {
            expected.sort_by_key(|member| member.signup_id.trim().to_lowercase());
        }
        if search.descending {
            expected.reverse();
        }
        let mut expected: Vec<Value> = expected.into_iter().map(Member::record).collect();
        let matched = expected.len();
        let order = if search.by_signup_id { "signup_id" } else { "added" };
        let mut cursor = String::new();
        loop {
            let ask = json!({
                "text": search.text, "order": order, "descending": search.descending, "page_size": search.size, "cursor": cursor,
            });
            let page = self.call("search", search.list, "", ask).await;
            let rest = expected.split_off(search.size.min(expected.len()));
            assert_eq!(page["signups"], json!(expected), "{search:?} after {cursor:?}");
            assert_eq!((&page["matched"], &page["eop"]), (&json!(matched), &json!(rest.is_empty())), "{search:?}");
            expected = rest;
            match page["cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert!(expected.is_empty(), "{search:?} ends before {expected:?}");
    }

    async fn restart(self, clean: bool) -> Self {
        let Self { mut directory, gateway, client, model } = self;
        let before = (Digest::of(gateway.state()), gateway.state().folded());
        drop(client);
        if clean {
            gateway.stop().await;
        } else {
            let copy = TempDir::new().expect("a temporary directory");
            for entry in fs::read_dir(directory.path()).expect("it can be read") {
                let entry = entry.expect("it can be read");
                fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("files can be copied");
            }
            gateway.stop().await;
            directory = copy;
        }
        let gateway = Gateway::start(settings(&directory)).await.expect("the gateway starts");
        assert_eq!(before, (Digest::of(gateway.state()), gateway.state().folded()));
        let client = Client::sign_in(&gateway.url(), BOT).await;
        Self { directory, gateway, client, model }
    }
}

#[test]
fn the_lists_agree_with_a_plain_model() {
    let runtime = tokio::runtime::Runtime::new().expect("there are threads");
    let cases = if std::env::var_os("GUESTLIST_LONG").is_some() { CASES_LONG } else { CASES };
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&ops(), |ops| {
        runtime.block_on(async {
            let mut run = Run::new().await;
            for op in &ops {
                run = run.step(op).await;
            }
            for list in 0..LISTS.len() {
                run.page(list, 1_000, 0).await;
            }
            run.restart(true).await;
        });
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// Prints what a page costs at either end of a long list; nothing is asserted, for time is the machine's.
#[test]
#[ignore = "a measurement: cargo test --release --test list_model -- --ignored --nocapture"]
fn a_late_page_costs_about_what_the_first_one_does() {
    let mut list = SignupList::default();
    for id in 1..=1_000_000 {
        let signup_id = format!("user{id}@example.com");
        let vacancy = list.look_up(&signup_id).expect_err("nobody stands twice");
        list.push(vacancy, id, Entry { signup_id: signup_id.into(), tags: Tags::default() });
    }
    // Holes, so that ranks are no longer positions.
    for id in (1..=1_000_000).step_by(3) {
        list.remove(&format!("user{id}@example.com"));
    }
    for page in [0, 1, 100, 10_000, 13_000] {
        let start = Instant::now();
        let bytes: usize = (0..1_000)
            .map(|_| list.from_rank(page * 50).take(50).map(|(_, entry)| entry.signup_id.len()).sum::<usize>())
            .sum();
        println!("page {page:>6}: {:?} each ({bytes} bytes in all)", start.elapsed() / 1_000);
    }
}
