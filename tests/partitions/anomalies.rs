//! This is where it is shown what goes wrong if journals have no order between them and gateways fold what comes: each example is as
//! small as can be. Two gateways fold the same two journals, one the first before the second and one the other way round.

use guestlist::access::Caller;
use guestlist::event::{Announcement, Made};
use guestlist::wire::error::Code;
use serde_json::{Value, json};

use super::beginning;
use super::journals::{Gateway, Said, said};

/// A gateway after both journals, and what it answered to the entries of each.
struct Folded {
    gateway: Gateway,
    one: Vec<Value>,
    other: Vec<Value>,
}

/// Two gateways: the first has folded one journal and then the other, the second the other one first.
fn both_ways(one: &[Said], other: &[Said]) -> [Folded; 2] {
    let place = |journal: &[Said]| {
        let place = journal[0].place();
        assert!(journal.iter().all(|said| said.place() == place), "a journal is of one place: {journal:?}");
        place
    };
    assert_ne!(place(one), place(other), "what has one place has one order");
    let begun = || Gateway::after(&beginning());
    let (mut first, mut second) = (begun(), begun());
    let (one_first, other_second) = (first.fold_all(one), first.fold_all(other));
    let (other_first, one_second) = (second.fold_all(other), second.fold_all(one));
    [
        Folded { gateway: first, one: one_first, other: other_second },
        Folded { gateway: second, one: one_second, other: other_first },
    ]
}

/// Who is on a share's list: entry and user.
fn entries(gateway: &Gateway, share: u64) -> Vec<[u64; 2]> {
    let records = gateway.records_of("share_entry");
    let of_share = records.iter().filter(|record| record["share_id"] == share).map(|record| &record["entry"]);
    of_share
        .map(|entry| [&entry["entry_id"], &entry["user_id"]].map(|id| id.as_u64().expect("ids are numbers")))
        .collect()
}

/// Who is on lists of apps.
fn signups(gateway: &Gateway) -> Vec<Value> {
    gateway.records_of("signup").iter().map(|record| record["entry"]["signup_id"].clone()).collect()
}

fn refused(code: Code) -> Value {
    json!(code.number())
}

/// One counter of the whole state gives these ids, so that a list's depend on what goes on elsewhere; and who names an entry by its
/// id means somebody else elsewhere.
#[test]
fn an_entry_on_a_share_has_another_id_and_its_removal_removes_another() {
    let add = |user: u32| {
        let [chat, share] = [10 + user, 20 + user];
        json!({"method": "addToShareWhitelist", "user_id": user, "chat_id": chat, "share_id": share, "emails": ["cleo@x.org"]})
    };
    let remove =
        json!({"method": "removeFromShareWhitelist", "user_id": 2, "chat_id": 12, "share_id": 22, "entry_ids": [3]});
    let [first, second] = both_ways(&said(1_000, [add(1)]), &said(2_000, [add(2), remove]));
    assert_eq!(entries(&first.gateway, 21), [[1, 4], [2, 1]]);
    assert_eq!(entries(&second.gateway, 21), [[3, 4], [4, 1]]);
    // The third entry is Cleo's here, and there it is none of this list.
    assert_eq!(entries(&first.gateway, 22), [[4, 2]]);
    assert_eq!(entries(&second.gateway, 22), [[1, 4], [2, 2]]);
}

#[test]
fn a_member_of_an_organisation_has_another_id() {
    let add = |org: &str| member(org, "jane@x.org");
    let [first, second] = both_ways(&said(1_000, [add("acme")]), &said(2_000, [add("beta")]));
    let ids = |gateway: &Gateway| -> Vec<Value> {
        gateway.records_of("member").iter().map(|record| record["member"]["member_id"].clone()).collect()
    };
    assert_eq!(ids(&first.gateway), [1, 2]);
    assert_eq!(ids(&second.gateway), [2, 1]);
}

/// A chat that is made gets the next id of all, and whoever names it then names another user's chat on the other gateway.
#[test]
fn a_new_chat_is_known_by_another_id_and_cannot_be_named() {
    let make = |user: u32| json!({"method": "setChat", "user_id": user});
    let name = json!({"method": "setChat", "user_id": 1, "chat_id": 13, "name": "Holidays"});
    let by_owner =
        |said: Vec<Said>| -> Vec<Said> { said.into_iter().map(|said| Said { by: "user:1", ..said }).collect() };
    let [first, second] = both_ways(&by_owner(said(1_000, [make(1), name])), &said(2_000, [make(2)]));
    assert_eq!(first.one[1][0]["name"], "Holidays");
    assert_eq!(second.one[1], refused(Code::NotFound));
    let names = |gateway: &Gateway| -> Vec<Value> {
        gateway.records_of("chat").iter().map(|chat| json!([chat["chat_id"], chat["user_id"], chat["name"]])).collect()
    };
    let before = [json!([11, 1, ""]), json!([12, 2, ""])];
    assert_eq!(names(&first.gateway), [&before[..], &[json!([13, 1, "Holidays"]), json!([14, 2, ""])]].concat());
    assert_eq!(names(&second.gateway), [&before[..], &[json!([13, 2, ""]), json!([14, 1, ""])]].concat());
}

/// What is to be unique in the whole state is so on each gateway, but not with the same owner.
#[test]
fn an_id_that_is_chosen_twice_is_whose_comes_first() {
    let choose = |user: u32| json!({"method": "setChat", "user_id": user, "chat_id": 99});
    let [first, second] = both_ways(&said(1_000, [choose(1)]), &said(2_000, [choose(2)]));
    assert_eq!([&first.one[0][0]["chat_id"], &first.other[0]], [&json!(99), &refused(Code::Conflict)]);
    assert_eq!([&second.one[0], &second.other[0][0]["chat_id"]], [&refused(Code::Conflict), &json!(99)]);
}

#[test]
fn somebody_added_while_the_app_is_removed_and_made_anew_is_on_one_list_only() {
    let anew = [json!({"method": "removeApp", "app_id": "7"}), json!({"method": "setApp", "app_id": "7"})];
    let [first, second] = both_ways(&said(1_000, anew), &said(2_000, [add("7", "ann@x.org")]));
    assert_eq!(signups(&first.gateway), ["ann@x.org"]);
    assert!(signups(&second.gateway).is_empty());
    // Both said that she was added.
    assert_eq!(first.other, second.other);
}

/// The same of an app that was no longer made with the app builder, and of grants in organisations and of shares.
#[test]
fn what_a_bot_changes_while_its_right_is_taken_stands_on_one_gateway_only() {
    let take = json!({"method": "setBot", "bot_id": "2", "grants": []});
    let by_bot: Vec<Said> =
        said(2_000, [add("7", "ann@x.org")]).into_iter().map(|said| Said { by: "bot:2", ..said }).collect();
    let [first, second] = both_ways(&said(1_000, [take]), &by_bot);
    assert_eq!(first.other, [refused(Code::NotInApp)]);
    assert!(signups(&first.gateway).is_empty());
    assert_eq!(signups(&second.gateway), ["ann@x.org"]);
}

/// An invitation names an address, and is for whoever has it when it is folded.
#[test]
fn an_invitation_while_an_address_changes_hands_is_for_another_user() {
    let hand_over = [
        json!({"method": "setUser", "user_id": 4, "primary_email": "cleo-of-old@x.org"}),
        json!({"method": "setUser", "user_id": 3, "primary_email": "cleo@x.org"}),
    ];
    let invite =
        json!({"method": "addToShareWhitelist", "user_id": 1, "chat_id": 11, "share_id": 21, "emails": ["cleo@x.org"]});
    let [first, second] = both_ways(&said(1_000, hand_over), &said(2_000, [invite]));
    assert_eq!(entries(&first.gateway, 21), [[1, 3], [2, 1]]);
    assert_eq!(entries(&second.gateway, 21), [[1, 4], [2, 1]]);
}

#[test]
fn a_removed_user_uses_up_ids_on_one_gateway_only() {
    let remove = json!({"method": "removeUser", "user_id": 1});
    let make = json!({"method": "setChat", "user_id": 1});
    let [first, second] = both_ways(&said(1_000, [remove]), &said(2_000, [make]));
    // The chat is gone with its owner on both, and what they hold is the same but for this.
    let last = |gateway: &Gateway| gateway.records_of("last_ids")[0]["chat"].clone();
    assert_eq!([last(&first.gateway), last(&second.gateway)], [12, 13]);
    let beside = |gateway: &Gateway| -> Vec<Value> {
        gateway.records().into_iter().filter(|record| record.get("last_ids").is_none()).collect()
    };
    assert_eq!(beside(&first.gateway), beside(&second.gateway));
}

/// What the directory answers tells how long lists are, which is where they happen to be.
#[test]
fn an_answer_about_an_app_counts_another_list() {
    let set = json!({"method": "setApp", "app_id": "7", "name": "Picnic"});
    let [first, second] = both_ways(&said(1_000, [set]), &said(2_000, [add("7", "ann@x.org")]));
    let counted = |folded: &Folded| folded.one[0][0]["whitelist"]["signups"].clone();
    assert_eq!([counted(&first), counted(&second)], [0, 1]);
    assert_eq!(first.gateway.records(), second.gateway.records());
}

/// Keys are tokens and so the directory's; whose they are is the organisation's.
#[test]
fn a_key_made_while_its_member_is_added_is_good_at_one_gateway_only() {
    let key =
        json!({"method": "setApiKey", "org_id": "acme", "email": "jane@x.org", "api_key": "a-key-of-the-tests-0001"});
    let [first, second] = both_ways(&said(1_000, [key]), &said(2_000, [member("acme", "jane@x.org")]));
    assert_eq!(first.one, [refused(Code::NotFound)]);
    assert_eq!([&first.gateway, &second.gateway].map(|gateway| gateway.records_of("api_key").len()), [0, 1]);
}

/// Ann is kept out at one app, and only when that is acknowledged let in at another: on the second gateway she is in before.
#[test]
fn what_was_done_second_is_seen_first() {
    let keep_out = json!({"method": "addToBlacklist", "app_id": "7", "signups": ["ann@x.org"]});
    let [kept_out, let_in] = [said(1_000, [keep_out]), said(2_000, [add("8", "ann@x.org")])];
    let seen = |order: [&[Said]; 2]| -> Vec<Vec<Value>> {
        let mut gateway = Gateway::after(&beginning());
        let lists = |gateway: &Gateway| gateway.records_of("signup").iter().map(|on| on["list"].clone()).collect();
        order.iter().map(|journal| (gateway.fold_all(journal), lists(&gateway)).1).collect()
    };
    assert_eq!(seen([&kept_out, &let_in]), [vec![json!("blacklist")], vec![json!("blacklist"), json!("whitelist")]]);
    assert_eq!(seen([&let_in, &kept_out]), [vec![json!("whitelist")], vec![json!("blacklist"), json!("whitelist")]]);
}

/// Each journal counts from 1. So the number of a change says nothing without its journal: neither what comes after it, for who
/// subscribes, nor which digest there should be.
#[test]
fn a_number_names_no_place_in_all_there_is() {
    let [one, other] = [said(1_000, [add("7", "ann@x.org")]), said(2_000, [add("8", "bob@x.org")])];
    let settled = |journals: &[&[Said]]| {
        let mut gateway = Gateway::after(&beginning());
        journals.iter().for_each(|journal| drop(gateway.fold_all(journal)));
        let settled = gateway.state().digest();
        (settled.seq, settled.at_ms, settled.digest)
    };
    let (after_one, after_other) = (settled(&[&one]), settled(&[&other]));
    assert_eq!(after_one.0, after_other.0, "one number, ...");
    assert_ne!(after_one.2, after_other.2, "... and two states");
    let (forth, back) = (settled(&[&one, &other]), settled(&[&other, &one]));
    assert_eq!(forth.2, back.2, "the same state, ...");
    assert_eq!((forth.0, back.0), (1, 1), "... with one number after two changes, ...");
    assert_eq!((forth.1, back.1), (2_000, 1_000), "... and two times, of which one has gone back");
    let told = |said: &Said| {
        let message = said.message.to_string();
        let made = Made { seq: 1, at_ms: said.at_ms, by: Caller::Seed, message: &message };
        Announcement::of(made).expect("somebody may hear of it").seq
    };
    assert_eq!(told(&one[0]), told(&other[0]), "two events with one number, told in either order");
}

fn add(app: &str, signup: &str) -> Value {
    json!({"method": "addToWhitelist", "app_id": app, "signups": [signup]})
}

fn member(org: &str, email: &str) -> Value {
    json!({"method": "addToOrgWhitelist", "org_id": org, "name": "Jane", "email": email, "permissions": ["can_read"],
        "start_date": "2025-01-01T00:00:00.000Z"})
}
