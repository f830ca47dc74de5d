//! Random steps against a model as plain as can be: everything that changes a list and everything that asks, stops, crashes, power
//! losses and snapshots among them. Every answer is the model's, the digest is that of the state, and a start finds all there was.
//!
//! `GUESTLIST_LONG=1` tries fifty times as many. A failure says with which `GUESTLIST_SEED` it comes again.

#[path = "model/machine.rs"]
mod machine;
#[path = "model/organizations.rs"]
mod organizations;
#[path = "model/reference.rs"]
mod reference;
#[path = "model/shares.rs"]
mod shares;
#[path = "model/signups.rs"]
mod signups;
#[path = "model/steps.rs"]
mod steps;

use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use guestlist::methods::METHODS;
use guestlist::world::Threads;
use machine::Running;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use reference::{ADMIN, Model};
use serde_json::{Value, json};
use steps::Step;

const CASES: u64 = 2_000;
const CASES_LONG: u64 = 100_000;
const STEPS: usize = 50;

/// Cases from which on every method is sure to be met.
const CASES_TELLING: u64 = CASES;

/// Methods that change no list and are asked of no list here: passwords are slow to hash, and searches are tests/authzen.rs's.
const ELSEWHERE: [&str; 17] = [
    "signUp",
    "logIn",
    "logOut",
    "searchSubjects",
    "searchResources",
    "searchActions",
    "getStateDigest",
    "subscribeToEvent",
    "unsubscribeFromEvent",
    "listEventSubscriptions",
    "searchWhitelist",
    "searchBlacklist",
    "testPattern",
    "getConnections",
    "closeConnection",
    "watchTraffic",
    "getLoad",
];

/// The model as what drives a test.
pub struct Machine;

/// What there is before the first step.
pub fn beginning() -> Vec<Value> {
    vec![
        json!({"method": "setBot", "bot_id": "1", "grants": [{"permission": "admin"}]}),
        json!({"method": "setApp", "app_id": "7", "name": "Picnic", "use_whitelist": true}),
        json!({"method": "setUser", "primary_email": "amy@x.org"}),
        json!({"method": "setUser", "primary_email": "bob@x.org"}),
        json!({"method": "setUser", "primary_email": "cleo@y.org"}),
        json!({"method": "setChat", "user_id": 1, "chat_id": 1}),
        json!({"method": "setChat", "user_id": 2, "chat_id": 2}),
        json!({
            "method": "setShare", "user_id": 1, "chat_id": 1, "share_id": 1, "emails": ["bob@x.org"],
            "share_uuid": "00000000-0000-4000-8000-000000000001"
        }),
        json!({"method": "setOrganization", "org_id": "acme"}),
        json!({
            "method": "addToOrgWhitelist", "org_id": "acme", "email": "amy@x.org", "name": "Amy",
            "permissions": ["can_read", "can_use_whitelist"], "start_date": "2020-01-01T00:00:00.000Z"
        }),
        json!({"method": "setBot", "bot_id": "2", "grants": [
            {"permission": "signup_management", "app_id": "7"}, {"permission": "share_management", "user_id": 1},
            {"permission": "can_use_whitelist", "org_id": "acme"}, {"permission": "can_read", "org_id": "acme"}
        ]}),
    ]
}

impl ReferenceStateMachine for Machine {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        let mut model = Model::default();
        model.bots.insert(ADMIN, reference::Bot::default());
        for message in &beginning()[1..] {
            model.call(ADMIN, message).expect("the beginning is in order");
        }
        Just(model).boxed()
    }

    fn transitions(_model: &Model) -> BoxedStrategy<Step> {
        any::<[u64; 4]>().prop_map(|dice| Step::of(&dice)).boxed()
    }

    fn apply(mut model: Model, step: &Step) -> Model {
        model.answers.clear();
        if let Step::Send { by, messages } = step {
            for message in messages {
                let answer = model.call(*by, message);
                model.answers.push(answer);
            }
        }
        model
    }
}

#[test]
fn the_gateway_is_as_the_model_says_through_stops_crashes_and_snapshots() {
    let only = std::env::var("GUESTLIST_SEED").ok().map(|seed| seed.parse().expect("a seed is a number"));
    let long = std::env::var_os("GUESTLIST_LONG").is_some();
    let cases = std::env::var("GUESTLIST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = cases.unwrap_or(if long { CASES_LONG } else { CASES });
    let (first, cases) = only.map_or_else(|| (rand::random::<u64>() >> 1, cases), |only| (only, 1));
    let next = AtomicU64::new(first);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed - first >= cases {
                        return;
                    }
                    if let Err(failure) = run(seed) {
                        // The others need not go on.
                        next.store(first + cases, Ordering::Relaxed);
                        panic!("GUESTLIST_SEED={seed} cargo test --test model\n{failure}");
                    }
                }
            });
        }
    });
    if cases >= CASES_TELLING {
        every_method_was_answered_and_refused();
    }
}

/// What the steps never bring about is not tested.
fn every_method_was_answered_and_refused() {
    let met = machine::MET.lock().unwrap_or_else(PoisonError::into_inner);
    let times = |method: &str, refused: bool| -> u64 {
        met.iter().filter(|((name, code), _)| name == method && code.is_some() == refused).map(|(_, times)| times).sum()
    };
    for method in METHODS.iter().map(|method| method.call.method).filter(|method| !ELSEWHERE.contains(method)) {
        let (answered, refused) = (times(method, false), times(method, true));
        println!("{method}: answered {answered} times, refused {refused} times");
        assert!(answered > 0 && refused > 0, "{method}: answered {answered} times, refused {refused} times");
    }
}

/// Runs the case of a seed.
fn run(seed: u64) -> Result<(), String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    // Most on no threads, so that they can be tried again; some as it is in service, with whatever comes of that.
    machine::run_on(if seed.is_multiple_of(4) { Threads::Own } else { Threads::None });
    let config = Config { cases: 1, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config.clone(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let steps = Machine::sequential_strategy(STEPS..=STEPS);
    let outcome = runner.run(&steps, |(model, steps, seen)| {
        Running::test_sequential(config.clone(), model, steps, seen);
        Ok(())
    });
    outcome.map_err(|error| error.to_string())
}
