//! A simulation of what there is beyond one etcd: the journal in several, each with an order of its own. What comes out the same on
//! every gateway, what does not, and what would make it so. `packaging/cluster/partitions.md` tells it in words.

#[path = "partitions/anomalies.rs"]
mod anomalies;
#[path = "partitions/histories.rs"]
mod histories;
#[path = "partitions/journals.rs"]
mod journals;
#[path = "partitions/ordered.rs"]
mod ordered;
#[path = "partitions/router.rs"]
mod router;

use guestlist::state::digest::Digest;
use histories::{beside_lists, on_lists};
use journals::{Gateway, Journals, Said, said};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Apps with lists.
const APPS: [&str; 2] = ["7", "8"];
/// Users with a chat that is shared.
const OWNERS: [u32; 2] = [1, 2];
/// Organisations with members.
const ORGANIZATIONS: [&str; 2] = ["acme", "beta"];
/// Journals for lists, at most.
const LISTS_MAX: usize = 6;
/// Changes of a history, at most.
const CHANGES_MAX: usize = 40;
/// Gateways that fold the same journals.
const GATEWAYS: usize = 3;

/// What all gateways have folded before journals part: apps 7 and 8, bot 1 for everything, bot 2 for app 7, users 1 to 4 of whom two
/// have shares, and two organisations.
fn beginning() -> Vec<Said> {
    let app = |app: &str| json!({"method": "setApp", "app_id": app, "use_whitelist": true});
    let user =
        |id: u32, name: &str| json!({"method": "setUser", "user_id": id, "primary_email": format!("{name}@x.org")});
    let chat = |user: u32| json!({"method": "setChat", "user_id": user, "chat_id": 10 + user});
    let uuid = |share: u32| format!("00000000-0000-4000-8000-0000000000{share}");
    let share = |user: u32| {
        json!({"method": "setShare", "user_id": user, "chat_id": 10 + user, "share_id": 20 + user,
            "share_uuid": uuid(20 + user)})
    };
    let organization = |org: &str| json!({"method": "setOrganization", "org_id": org});
    let mut messages: Vec<Value> = APPS.map(app).into();
    messages.extend([
        json!({"method": "setBot", "bot_id": "1", "grants": [{"permission": "admin"}], "token": "an-administrator-of-tests"}),
        json!({"method": "setBot", "bot_id": "2", "grants": [{"permission": "signup_management", "app_id": "7"}],
            "token": "2:0:TokenOfTheBotOfTheseTests00001"}),
    ]);
    messages.extend((1..).zip(["amy", "ben", "bob", "cleo"]).map(|(id, name)| user(id, name)));
    messages.extend(OWNERS.map(chat));
    messages.extend(OWNERS.map(share));
    messages.extend(ORGANIZATIONS.map(organization));
    said(1, messages)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Lists are independent of each other, as long as the directory takes nothing away meanwhile that they depend on: who is on each,
    /// in which order and since when, is the same everywhere, and so is what those are answered who changed it. Of apps even the ids are.
    #[test]
    fn lists_come_out_the_same_in_whatever_order_journals_are_folded(
        changes in prop::collection::vec(prop_oneof![9 => on_lists(), 1 => beside_lists()], 1..CHANGES_MAX),
        lists in 1..=LISTS_MAX,
        picks in prop::collection::vec(prop::collection::vec(any::<u64>(), 1..CHANGES_MAX), GATEWAYS),
    ) {
        let journals = Journals::split(&said(1_000, changes), lists);
        let folded: Vec<(Gateway, Vec<Vec<Value>>)> =
            picks.iter().map(|picks| fold_as_they_come(&journals, picks)).collect();
        let (first, first_answers) = &folded[0];
        // The directory's own tell how long lists are.
        let without_ids = |answers: &[Vec<Value>]| without_counted_ids_in_answers(&json!(answers[1..]));
        for (gateway, answers) in &folded[1..] {
            prop_assert_eq!(without_counted_ids(first.records()), without_counted_ids(gateway.records()));
            prop_assert_eq!(without_ids(first_answers), without_ids(answers));
            for kind in ["app", "signup", "pattern", "user", "bot", "chat", "share"] {
                prop_assert_eq!(first.records_of(kind), gateway.records_of(kind));
            }
        }
    }
}

/// Of one journal all gateways make one state, whatever is in it.
#[test]
fn one_journal_has_one_order() {
    let changes = [json!({"method": "setChat", "user_id": 1}), json!({"method": "setChat", "user_id": 2})];
    let all = [beginning(), said(1_000, changes)].concat();
    let [one, other] = [(), ()].map(|()| Digest::of(Gateway::after(&all).state()));
    assert_eq!(one, other);
}

/// The same without the ids that are counted in the whole state: those of entries on shares, and of members.
fn without_counted_ids(mut records: Vec<Value>) -> Vec<Value> {
    for record in &mut records {
        for (kind, counted) in [("share_entry", "entry_id"), ("member", "member_id")] {
            if let Some(of_kind) = record.get_mut(kind) {
                let inner = if kind == "member" { "member" } else { "entry" };
                of_kind[inner][counted] = Value::Null;
            }
        }
    }
    records
}

/// The same of answers, which have such ids as numbers, and those of apps as digits.
fn without_counted_ids_in_answers(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_counted_ids_in_answers).collect(),
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, value)| *name != "id" || !value.is_number());
            kept.map(|(name, value)| (name.clone(), without_counted_ids_in_answers(value))).collect()
        }
        value => value.clone(),
    }
}

/// Folds entries as they arrive, with no regard to other journals; gives the answers to those of each.
fn fold_as_they_come(journals: &Journals, picks: &[u64]) -> (Gateway, Vec<Vec<Value>>) {
    let mut gateway = Gateway::after(&beginning());
    let mut answers: Vec<Vec<Value>> = vec![Vec::new(); journals.0.len()];
    for journal in journals.arrivals(picks) {
        let place = answers[journal].len();
        let seq = u64::try_from(place).expect("a length fits into 64 bits") + 1;
        let answer = gateway.fold(seq, &journals.0[journal][place]);
        answers[journal].push(answer);
    }
    (gateway, answers)
}
