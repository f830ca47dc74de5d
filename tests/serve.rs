//! `serve`: its settings from flags, environment and file, what it begins with, and that it keeps secrets to itself.

mod support;

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use support::home::Home;
use support::process::{Ran, Served, guestlist, ran, run};
use support::{ADMIN, BARE_BOT, BOT};

/// A start that does not succeed.
fn must_refuse(home: &Home, args: &[&str]) -> Ran {
    let data = home.text("data");
    let refused = run(&[&["serve", "--listen", "127.0.0.1:0", "--data", &data], args].concat());
    assert_eq!((refused.code, &*refused.stdout), (Some(2), ""), "{refused:?}");
    refused
}

fn call(served: &Served, token: &str, message: &Value) -> Value {
    let called = run(&["call", "--url", &served.url, "--token", token, &message.to_string()]);
    serde_json::from_str(&called.stdout).unwrap_or_else(|error| panic!("{error}: {called:?}"))
}

fn app_ids(served: &Served, token: &str) -> Vec<String> {
    let apps = call(served, token, &json!({"method": "getApps"}));
    let apps = apps["apps"].as_array().expect("an array of apps").iter();
    apps.map(|app| app["app_id"].as_str().expect("an id is a string").to_owned()).collect()
}

#[test]
fn one_line_says_where_it_listens_and_nothing_else_is_printed() {
    let home = Home::new();
    let served = home.serve(&["--demo"]);
    assert!(served.url.starts_with("ws://127.0.0.1:") && served.url.ends_with("/nandbox/api/"), "{}", served.url);
    assert!(!served.url.contains(":0/"), "{}", served.url);
    assert_eq!(app_ids(&served, ADMIN).len(), 1);
    let stopped = served.stop();
    assert_eq!((stopped.code, &*stopped.stdout), (Some(0), ""), "{stopped:?}");
    assert!(stopped.stderr.contains("stopped"), "{stopped:?}");
}

#[test]
fn a_flag_beats_the_environment_and_that_the_file() {
    let home = Home::new();
    let (by_file, by_environment, by_flag) = (home.text("file"), home.text("environment"), home.text("flag"));
    let config = format!("listen = \"127.0.0.1:0\"\ndata = \"{by_file}\"\ndemo = true\nerror_method = true\n");
    let config = home.write("guestlist.toml", &config);
    let start = |flags: &[&str], environment: &[(&str, &str)]| {
        let mut command = guestlist(&[&["serve"], flags].concat());
        Served::start_command(command.envs(environment.iter().copied()), &home.path("log"))
    };
    let refused = |served: &Served| call(served, BOT, &json!({"method": "getApps"}))["method"].clone();

    let served = start(&["--config", &config], &[]);
    assert_eq!((refused(&served), home.path("file").exists()), (json!("error"), true));
    let environment =
        [("GUESTLIST_CONFIG", &*config), ("GUESTLIST_DATA", &by_environment), ("GUESTLIST_ERROR_METHOD", "false")];
    let served = start(&[], &environment);
    assert_eq!((refused(&served), home.path("environment").exists()), (Value::Null, true));
    let served = start(&["--data", &by_flag, "--error-method"], &environment);
    assert_eq!((refused(&served), home.path("flag").exists()), (json!("error"), true));
    assert!(ran(&mut guestlist(&["serve", "--listen", "nonsense"])).code == Some(2));
}

/// The flags of `serve`, as its help has them, but for those about itself.
fn flags(help: &str) -> BTreeSet<String> {
    let words = help.split([' ', '\n']).filter_map(|word| word.strip_prefix("--"));
    let flags = words.map(|word| word.trim_matches(|letter: char| !letter.is_ascii_lowercase()).to_owned());
    flags.filter(|flag| !["help", "config", ""].contains(&&**flag)).collect()
}

#[test]
fn every_flag_is_a_variable_and_a_key_of_the_file() {
    let home = Home::new();
    let help = run(&["serve", "--help"]).stdout;
    let flags = flags(&help);
    assert!(flags.len() >= 8, "{flags:?}");
    for flag in &flags {
        let variable = format!("[env: GUESTLIST_{}=", flag.replace('-', "_").to_ascii_uppercase());
        assert!(help.contains(&variable), "{variable} is missing: {help}");
        let config = home.write("wrong.toml", format!("{} = nan\n", flag.replace('-', "_")));
        let refused = must_refuse(&home, &["--config", &config]);
        assert!(refused.stderr.contains(&config) && !refused.stderr.contains("unknown field"), "{flag}: {refused:?}");
    }
    assert!(flags.contains("limit") && flags.contains("tls-cert"), "{flags:?}");
    assert_eq!(flags.contains("acme"), cfg!(feature = "acme"), "{flags:?}");
    let config = home.write("unknown.toml", "listne = \"127.0.0.1:0\"\n");
    let refused = must_refuse(&home, &["--config", &config]);
    assert!(refused.stderr.contains("unknown field `listne`"), "{refused:?}");
    for flag in flags {
        assert!(refused.stderr.contains(&flag.replace('-', "_")), "{flag} is not among those there are: {refused:?}");
    }
    for (name, text) in
        [("missing.toml", None), ("broken.toml", Some("listen = ")), ("zero.toml", Some("snapshot_every = 0"))]
    {
        let config = text.map_or_else(|| home.text(name), |text| home.write(name, text));
        assert!(must_refuse(&home, &["--config", &config]).stderr.contains(&config));
    }
    assert!(!home.path("data").exists(), "a start that is refused makes no directory");
}

#[test]
fn the_demo_is_for_loopback_and_goes_without_a_seed() {
    let home = Home::new();
    let seed = home.write("seed.jsonl", "");
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let data = home.text("data");
        let refused = run(&["serve", "--demo", "--listen", address, "--data", &data]);
        assert!(refused.code == Some(2) && refused.stderr.contains("loopback only"), "{refused:?}");
    }
    let refused = must_refuse(&home, &["--demo", "--seed", &seed]);
    assert!(refused.stderr.contains("--demo and --seed exclude each other"), "{refused:?}");
    assert!(!home.path("data").exists(), "a start that is refused makes no directory");
}

#[test]
fn demo_data_stay_on_loopback_without_the_flag_too() {
    let home = Home::new();
    assert_eq!(home.serve(&["--demo"]).stop().code, Some(0));
    let refused = run(&["serve", "--listen", "0.0.0.0:0", "--data", &home.text("data")]);
    assert!(refused.code == Some(2) && refused.stderr.contains("whose tokens everybody knows"), "{refused:?}");
    assert_eq!(home.serve(&[]).stop().code, Some(0));
}

#[test]
fn demo_tokens_in_a_seed_stay_on_loopback_too() {
    let home = Home::new();
    let demo =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo.jsonl")).expect("there is demo data");
    let seed = home.write("seed.jsonl", &demo);
    let refused = run(&["serve", "--seed", &seed, "--listen", "0.0.0.0:0", "--data", &home.text("data")]);
    assert!(refused.code == Some(2) && refused.stderr.contains("whose tokens everybody knows"), "{refused:?}");
}

#[test]
fn an_api_key_or_password_of_the_demo_stays_on_loopback_too() {
    let member = r#"{"method":"setOrganization","org_id":"regatta"}
{"method":"addToOrgWhitelist","org_id":"regatta","name":"Ann","email":"ann@example.com","permissions":["can_read"],"start_date":"2025-01-01"}
{"method":"setApiKey","org_id":"regatta","email":"ann@example.com","api_key":"demo-org-key"}"#;
    let user = r#"{"method":"setUser","user_id":1,"primary_email":"ann@example.com","password":"Demo-pass-1!"}"#;
    for seed in [member, user] {
        let home = Home::new();
        let seed = home.write("seed.jsonl", seed);
        for seeded in [&["--seed", &seed][..], &[]] {
            let refused = run(&[&["serve", "--listen", "0.0.0.0:0", "--data", &home.text("data")], seeded].concat());
            assert!(refused.code == Some(2) && refused.stderr.contains("loopback only"), "{refused:?}");
            assert_eq!(home.serve(seeded).stop().code, Some(0));
        }
    }
}

#[test]
fn a_seed_with_a_pattern_that_cannot_be_read_is_refused_whole() {
    let home = Home::new();
    let seed = home.write(
        "seed.jsonl",
        r#"{"method":"setApp","app_id":"1"}
{"method":"addWhitelistPatterns","app_id":"1","patterns":[{"pattern":"ab(c","operator":"regex"}]}"#,
    );
    let refused = must_refuse(&home, &["--seed", &seed]);
    assert!(refused.stderr.contains("seed.jsonl:2: 400 patterns[0]"), "{refused:?}");
    assert!(refused.stderr.contains("nothing of the seed was applied"), "{refused:?}");
}

#[test]
fn a_demo_leaves_another_store_alone() {
    let home = Home::new();
    assert_eq!(home.serve(&[]).stop().code, Some(0));
    let served = home.serve(&["--demo"]);
    let refused = run(&["call", "--url", &served.url, "--token", ADMIN, r#"{"method":"PING"}"#]);
    assert!(refused.code == Some(2) && refused.stderr.contains("not known"), "{refused:?}");
}

const SEED: &str = r#"{"method":"setApp","app_id":"1","name":"one"}

{"method":"setBot","bot_id":"9","grants":[{"permission":"admin"}],"token":"token-of-the-administrator"}
{"method":"setApp","app_id":"3"}
"#;

#[test]
fn a_bad_line_of_a_seed_is_named_and_a_start_with_it_mended_goes_on() {
    let home = Home::new();
    for (line, said) in [
        ("nonsense", "expected ident at line 1 column 2"),
        (r#"{"method":"setApp"}"#, "missing field `app_id`"),
        (r#"{"method":"getApps"}"#, "`getApps` changes nothing"),
        (r#"{"method":"setBot","bot_id":"7","apps":["5"]}"#, "there is no app 5"),
    ] {
        let seed = home.write("seed.jsonl", SEED.replacen("\n\n", &format!("\n\n{line}\n"), 1));
        let refused = must_refuse(&home, &["--seed", &seed]);
        let place = format!("{seed}:3: ");
        assert!(refused.stderr.contains(&place) && refused.stderr.contains(said), "{refused:?}");
    }
    let seed = home.write("seed.jsonl", SEED);
    let served = home.serve(&["--seed", &seed]);
    assert_eq!(app_ids(&served, "token-of-the-administrator"), ["1", "3"]);
    let missing = home.text("missing.jsonl");
    assert!(must_refuse(&Home::new(), &["--seed", &missing]).stderr.contains(&missing));
}

#[test]
fn a_seed_is_for_an_empty_directory() {
    let home = Home::new();
    let served = home.serve(&["--demo"]);
    assert_eq!(call(&served, ADMIN, &json!({"method": "setApp", "app_id": "2"}))["app_id"], "2");
    served.kill();
    let seed = home.write("seed.jsonl", SEED);
    let served = home.serve(&["--seed", &seed]);
    let apps = app_ids(&served, ADMIN);
    assert_eq!(apps, ["2", "90090684293000559"]);
    // From a snapshot it is known as well that others have written.
    assert_eq!(served.stop().code, Some(0));
    assert_eq!(app_ids(&home.serve(&["--seed", &seed]), ADMIN), apps);
}

#[test]
fn no_secret_gets_into_journal_snapshot_or_log() {
    let home = Home::new();
    let served = home.serve(&["--demo", "--log", "trace"]);
    let set = "7:0:ATokenThatSomebodyChoseItself1";
    let made = call(&served, ADMIN, &json!({"method": "setBot", "bot_id": "8"}))["token"].clone();
    let rotated = call(&served, ADMIN, &json!({"method": "rotateBotToken", "bot_id": "8"}))["token"].clone();
    let mut secrets = vec![ADMIN.to_owned(), set.to_owned(), "7:0:OneThatIsRefusedForItsLength".to_owned()];
    secrets.extend([made, rotated].map(|token| token.as_str().expect("a token is shown").to_owned()));
    for token in [set, "7:0:OneThatIsRefusedForItsLength"] {
        call(&served, ADMIN, &json!({"method": "setBot", "bot_id": "7", "token": token}));
    }
    for token in [BOT, BARE_BOT, set, "9:0:ATokenThatNobodyEverHeardOf001"] {
        run(&["call", "--url", &served.url, "--token", token, r#"{"method":"PING"}"#]);
        secrets.push(token.rsplit(':').next().expect("a token has parts").to_owned());
    }
    let check = || secrets.iter().for_each(|secret| home.must_not_hold(secret));
    check();
    let stopped = served.stop();
    assert!(fs::read_dir(home.path("data")).expect("it can be read").count() >= 3, "a snapshot was made");
    check();
    for secret in &secrets {
        assert!(!stopped.stderr.contains(secret), "the log holds {secret}: {}", stopped.stderr);
    }
    assert!(stopped.stderr.contains("a client signed in"), "the log says little: {}", stopped.stderr);
}

#[test]
fn a_second_gateway_on_a_directory_is_refused_and_told_by_whom() {
    let home = Home::new();
    let first = home.serve(&["--demo"]);
    let refused = must_refuse(&home, &["--demo"]);
    let taken = format!("another gateway (pid {}) runs on {}; stop it first", first.pid(), home.text("data"));
    assert!(refused.stderr.contains(&taken), "{refused:?}");
    assert_eq!(app_ids(&first, ADMIN).len(), 1);
    // The lock goes with the process, however it ends.
    first.kill();
    assert_eq!(app_ids(&home.serve(&[]), ADMIN).len(), 1);
}

/// What `config` prints, given a file, a variable and a flag.
fn shown(home: &Home, file: &str, flags: &[&str]) -> Ran {
    let config = home.write("guestlist.toml", file);
    let mut command = guestlist(&[&["config", "--config", &config], flags].concat());
    ran(command.env("GUESTLIST_SNAPSHOT_EVERY", "7"))
}

#[test]
fn every_setting_and_limit_is_shown_with_its_origin_as_a_file_that_can_be_read() {
    let home = Home::new();
    let file = "sign_up = false\nsnapshot_every = 9\n[limit]\nidle_wait = \"3m\"\nconnections_max = 5\n";
    let shown = shown(&home, file, &["--log", "warn", "--limit", "connections_max=6,in_flight_max=7"]);
    let place = home.text("guestlist.toml");
    for line in [
        "log = \"warn\"  # --log".to_owned(),
        "snapshot_every = 7  # GUESTLIST_SNAPSHOT_EVERY".to_owned(),
        format!("sign_up = false  # {place}"),
        "listen = \"127.0.0.1:5020\"  # default".to_owned(),
        "# seed =  # not set".to_owned(),
        format!("idle_wait = \"3m\"  # {place}"),
        "connections_max = 6  # --limit".to_owned(),
        "in_flight_max = 7  # --limit".to_owned(),
        "write_wait = \"30s\"  # default".to_owned(),
    ] {
        assert!(shown.stdout.lines().any(|shown| shown == line), "`{line}` is missing: {shown:?}");
    }
    // Read back, it is the same but for where it comes from.
    let values = |text: &str| text.parse::<toml::Table>().expect("it is a file of settings");
    let again = shown_again(&home, &shown.stdout);
    assert_eq!(values(&again), values(&shown.stdout));
    let help = run(&["serve", "--help"]).stdout;
    for flag in flags(&help).iter().filter(|flag| *flag != "limit") {
        let key = flag.replace('-', "_");
        assert!(
            shown.stdout.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{key} ="))),
            "{key}"
        );
    }
}

fn shown_again(home: &Home, file: &str) -> String {
    let config = home.write("again.toml", file);
    run(&["config", "--config", &config]).stdout
}

#[test]
fn a_setting_that_is_a_limit_too_sets_it_and_yields_to_it() {
    let home = Home::new();
    let lines = |file: &str, flags: &[&str]| shown(&home, file, flags).stdout;
    let has = |text: &str, line: &str| assert!(text.lines().any(|shown| shown == line), "`{line}` is missing: {text}");
    let usual = lines("", &[]);
    for line in [
        "drain_window = \"1ms\"  # default",
        "journal_keep = 268435456  # default",
        "journal_keep_bytes = 268435456  # default",
    ] {
        has(&usual, line);
    }
    assert_eq!(usual.matches("drain_window = \"1ms\"  # default").count(), 2, "it is a setting and a limit: {usual}");
    let place = home.text("guestlist.toml");
    let set = lines("drain_window = \"10s\"\n", &["--journal-keep", "5"]);
    has(&set, &format!("drain_window = \"10s\"  # {place}"));
    has(&set, "drain_window = \"10s\"  # drain_window");
    has(&set, "journal_keep_bytes = 5  # journal_keep");
    has(&lines("", &["--drain-window", "3s"]), "drain_window = \"3s\"  # --drain-window");
    has(&lines("drain_window = \"10s\"\n", &["--limit", "drain_window=2s"]), "drain_window = \"2s\"  # --limit");
    let refused = must_refuse(&home, &["--drain-window", "10"]);
    assert!(refused.stderr.contains("the limit `drain_window` cannot be `10`: write a time such as"), "{refused:?}");
}

#[test]
fn a_limit_that_cannot_be_stops_the_start_and_says_what_can() {
    let home = Home::new();
    for (limit, said) in [
        ("connection_max=5", "perhaps `connections_max` was meant"),
        ("connections_max=none", "write a whole number"),
        ("idle_wait=60s", "idle_wait must be 90s at least"),
        ("idle_wait", "write NAME=VALUE"),
        ("ping_interval=2m", "ping_interval must be less than idle_wait"),
    ] {
        let refused = must_refuse(&home, &["--demo", "--limit", limit]);
        assert!(refused.stderr.contains(said), "{limit}: {refused:?}");
        assert!(!home.path("data").exists(), "{limit}");
    }
    let file = home.write("limit.toml", "[limit]\nconnections_max = true\n");
    let refused = must_refuse(&home, &["--config", &file]);
    assert!(refused.stderr.contains("must be a number or a time in quotes"), "{refused:?}");
}

#[test]
fn a_limit_that_is_set_holds() {
    let home = Home::new();
    let served = home.serve(&["--demo", "--limit", "frame_bytes_max=2000", "--limit", "auth_wait=200ms"]);
    let refused = call(&served, BOT, &json!({"method": "getApps", "padding": "x".repeat(2_000)}));
    assert_eq!(refused["error"], 413, "{refused}");
}

#[test]
fn a_log_for_programs_is_an_object_a_line() {
    let home = Home::new();
    home.serve(&["--demo", "--log-format", "json"]).stop();
    let log = home.log();
    assert!(log.lines().count() > 2, "{log}");
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["level"].is_string() && line["message"].is_string(), "{line}");
    }
}

#[test]
fn completions_and_manual_pages_know_every_subcommand() {
    let home = Home::new();
    let pages = home.text("man");
    assert_eq!(run(&["man", &pages]).code, Some(0));
    let page = fs::read_to_string(home.path("man").join("guestlist-serve.1")).expect("there is a page");
    assert!(page.contains("tls\\-cert") && page.contains("GUESTLIST_TLS_CERT"), "{page}");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let completions = run(&["completions", shell]);
        assert_eq!(completions.code, Some(0), "{completions:?}");
        for word in ["serve", "config", "bench", "tls-cert"] {
            assert!(completions.stdout.contains(word), "{shell} does not know {word}");
        }
    }
}
