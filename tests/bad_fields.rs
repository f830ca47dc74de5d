//! Every field of every method, given what it must not be: each time a refusal that names the field, and nothing changes.

#[path = "documents/schemas.rs"]
mod schemas;
mod support;

use guestlist::methods::METHODS;
use guestlist::schema::{asyncapi, methods::component_name};
use guestlist::state::digest::Digest;
use guestlist::state::password::PasswordHash;
use serde_json::{Value, json};
use support::{ADMIN, APP, Client, gateway};
use tempfile::TempDir;

/// What a field takes, by which it is known what it must refuse.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// An id that must be given.
    Id,
    /// An id that may be left out.
    OptionalId,
    /// A text that may be left out.
    Text,
    /// `true` or `false`, or left out.
    Flag,
    /// Tags, or left out.
    Tags,
    /// People.
    Signups,
    /// Patterns to add.
    NewPatterns,
    /// Patterns to remove.
    OldPatterns,
    /// A page's size.
    Size,
    /// A page's number.
    Number,
    /// A cursor.
    Cursor,
    /// An object with members of its own.
    Object,
    /// An object that may be empty, or left out.
    Properties,
    /// Questions, or left out.
    Questions,
    /// When several questions are enough, or left out.
    Semantic,
    /// A word out of a few.
    Word,
    /// A person.
    Person,
    /// A token.
    Token,
    /// Apps.
    Apps,
    /// Grants.
    Grants,
    /// The id of a user or of something theirs, which must be given.
    Serial,
    /// Such an id that may be left out.
    OptionalSerial,
    /// Several such ids.
    Serials,
    /// Several such ids that may be left out.
    OptionalSerials,
    /// An email address.
    Email,
    /// An email address that may be left out.
    OptionalEmail,
    /// Email addresses.
    Emails,
    /// Email addresses that may be left out.
    OptionalEmails,
    /// A user's password.
    Password,
    /// A user's password that may be left out.
    OptionalPassword,
    /// A password of any form.
    Secret,
    /// A password of any form that may be left out.
    OptionalSecret,
    /// A uuid that may be left out.
    Uuid,
    /// The token of a session.
    Session,
    /// An organisation's id.
    OrgName,
    /// The id of an organisation after which a list goes on, or left out.
    OrgCursor,
    /// The full name of a member.
    FullName,
    /// Any text.
    AnyText,
    /// What a member may do.
    Permissions,
    /// A time.
    Moment,
    /// A time after the start, or left out.
    OptionalMoment,
    /// An api key, or left out.
    ApiKey,
    /// What to hear of.
    Events,
    /// The text of one pattern.
    Pattern,
    /// What a pattern's text means.
    Operator,
    /// What to list in the order of.
    Order,
    /// Sign-ups that may be left out.
    OptionalSignups,
    /// Whether or not, and never left out.
    Needed,
    /// A connection's number, where no bot is named.
    Connection,
    /// A reference, or `ref`.
    Reference,
}

impl Kind {
    /// What a field of this kind must refuse.
    fn wrong(self) -> Vec<Value> {
        let long = "x".repeat(255);
        let own = match self {
            Self::Id => json!([null, "", "x", "+1", " 1", "1.0", "18446744073709551616"]),
            Self::OptionalId => json!(["", "x", "+1", "0x1", "18446744073709551616"]),
            Self::Text => json!([long]),
            Self::Flag => json!([1, 0, "", "true"]),
            Self::Tags => json!(["", [""], [true], [null], [1.5], [{}], ["x".repeat(65)], vec!["x"; 65]]),
            Self::Signups => json!([
                null, "", " ", long, [""], ["\t"], [long], [true], [null], [1.5], [-1], [{}], ["a", {"signup_id": null}],
                [{"signup_id": ""}], [{"signup_id": "a", "signup_user": "b"}], [{"signup_id": ["a"]}],
                [{"signup_id": "a", "tags": true}], [{"signup_id": "a", "tags": [[]]}], [{"signup_id": "a", "tags": [""]}],
                [{"signup_id": "a", "tags": vec!["x"; 65]}]
            ]),
            Self::NewPatterns => json!([
                null, "", [""], [true], [null], [1.5], [-1], [{}], ["a", {"pattern": null}], [{"pattern": ""}],
                ["x".repeat(1_025)], [r"(\w{99}){99}"], [format!("{}a{}", "(".repeat(200), ")".repeat(200))], [{"pattern": "(", "operator": "regex"}],
                [{"pattern": "a", "operator": "like"}], [{"pattern": "a", "operator": 1}], [{"pattern": "a", "tags": 1.5}],
                [{"pattern": "a", "tags": [""]}], [{"pattern": "a", "example": []}], [{"pattern": "a", "example": long}]
            ]),
            Self::OldPatterns => json!([null, [true], [null], [1.5], [-1], [{}], [{"pattern": []}]]),
            Self::Size => json!([0, "0", "", "x", "-1", "1.0", "18446744073709551616"]),
            Self::Number => json!(["", "x", "-1", "+1", "18446744073709551616"]),
            Self::Cursor => json!(["x", "-1", "18446744073709551616"]),
            Self::Object => json!([null, "", "x", 1, [{}]]),
            Self::Properties => {
                return [json!(1.5), json!(-1), json!(1), json!(true), json!(""), json!("x"), json!([]), json!([{}])]
                    .into();
            }
            Self::Questions => {
                json!(["", "x", 1, [null], [1.5], ["x"], [{"subject": "x"}], [{"action": {"name": 1}}], vec![json!({}); 101]])
            }
            Self::Semantic => json!(["", "x", 1, ["execute_all"]]),
            Self::Word => json!([null, "", "x", 1]),
            Self::Person => json!([null, "", " ", long]),
            Self::Token => json!(["", 1, "short", "7:0:short", format!("8:0:{}", "x".repeat(30)), {"sha256": "00"},
                {"sha256": "0".repeat(64)}]),
            Self::Apps => json!(["", "x", [""], [true], [null], [1.5], vec!["1"; 1_001]]),
            Self::Grants => json!(["", "admin", [true], [null], ["admin"], [["admin"]], [{"permission": "x"}],
                [{"permission": "signup_management"}], [{"permission": "signup_management", "app_id": ""}],
                vec![json!({"permission": "admin"}); 1_001]]),
            Self::Serial => {
                json!([null, "", "x", "+1", " 1", "1.0", 0, "0", 2_147_483_648_u64, "18446744073709551616"])
            }
            Self::OptionalSerial => json!(["", "x", "+1", "0x1", 0, "0", "2147483648", 18_446_744_073_709_551_615_u64]),
            Self::Serials => {
                json!([null, [], "", ["x"], [0], [1, 2_147_483_648_u64], [true], [null], [1.5], vec![1; 10_001]])
            }
            Self::OptionalSerials => json!(["", ["x"], [0], [1, "2147483648"], [true], [null], [1.5], vec![1; 1_001]]),
            Self::Email => json!([null, "", "x", 1, "a@b.c", " a@b.co", format!("{long}@b.co")]),
            Self::OptionalEmail => json!(["", "x", 1, "a@b.c", "a@b.co ", format!("{long}@b.co")]),
            Self::Emails => {
                json!([null, [], "", [""], ["a@b.co", "x"], [1], [true], [null], [{}], vec!["a@b.co"; 1_001]])
            }
            Self::OptionalEmails => {
                json!(["", [""], ["a@b.co", "x"], [1], [true], [null], [{}], vec!["a@b.co"; 1_001]])
            }
            Self::Password | Self::OptionalPassword | Self::Secret | Self::OptionalSecret => {
                let mut own = vec![json!(""), json!(1), json!(["a"]), json!("x".repeat(257)), json!({"argon2id": "x"})];
                own.push(json!({"argon2id": PasswordHash::of_nobody()}));
                if matches!(self, Self::Password | Self::Secret) {
                    own.push(Value::Null);
                }
                if matches!(self, Self::Password | Self::OptionalPassword) {
                    own.extend([
                        json!("Short-1"),
                        json!("no-capital-1"),
                        json!("NO-SMALL-1"),
                        json!("No-digits"),
                        json!("NoSigns1"),
                    ]);
                }
                json!(own)
            }
            Self::Uuid => {
                json!(["", "x", 1, "550e8400-e29b-41d4-a716-44665544000", "550e8400-e29b-41d4-a716-44665544000g"])
            }
            Self::Session => json!([null, 1, ["x"], {"sha256": "00"}, {"sha256": "0".repeat(64)}]),
            Self::OrgName => json!([null, "", "a b", "é", "a/b", "x".repeat(65), 1, ["acme"]]),
            Self::OrgCursor => json!(["a b", "é", "x".repeat(65), ["acme"]]),
            Self::FullName => json!([null, "", " ", long, ["Amy"]]),
            Self::AnyText => json!([null, ["amy@example.com"]]),
            Self::Permissions => json!([null, "", "can_fly", "can_use_api", ["can_use_api"], ["can_read", "can_fly"],
                ["can_read", "Can_Delegate"], ["can_read", null], ["can_read", 1], ["can_read", ["can_use_api"]],
                [{"can_read": null}], {"can_read": null}]),
            Self::Moment | Self::OptionalMoment => {
                let mut own = vec![json!(""), json!("now"), json!(1_741_174_470), json!("2025-13-01T00:00:00Z")];
                own.extend([json!("2025-03-05T25:00:00Z"), json!("-000001-01-01T00:00:00Z"), json!(["2025-03-05"])]);
                own.push(if matches!(self, Self::Moment) { Value::Null } else { json!("2025-01-01T00:00:00Z") });
                json!(own)
            }
            Self::ApiKey => json!(["", 1, "short", "elevenchars", "with some spaces", "éééééééééééé", long,
                {"sha256": "0".repeat(64)}]),
            Self::Events => json!([null, "", "product", "Signup", ["signup", "x"], [1], [null], [true]]),
            Self::Pattern => json!([null, "", 1, "x".repeat(1_025), r"(\w{99}){99}", ["a"]]),
            Self::Operator => json!(["", "like", 1, ["regex"]]),
            Self::Order => json!(["", "tags", 1, ["added"]]),
            Self::OptionalSignups => {
                json!(["", " ", long, [""], [long], [true], [null], [1.5], [-1], [{}], ["a", {"signup_id": null}]])
            }
            Self::Connection => json!([null, "", "x", "-1", "+1", "18446744073709551616"]),
            Self::Needed => json!([null, 1, 0, "", "true"]),
            Self::Reference => {
                return vec![json!({}), json!([]), json!([[]]), json!({"a": 1}), json!("x".repeat(1_025))];
            }
        };
        // No field takes these, whatever it is.
        let mut wrong = vec![json!(1.5), json!(-1), json!({}), json!([[]])];
        if !matches!(self, Self::Flag | Self::Needed) {
            wrong.push(json!(true));
        }
        if !matches!(
            self,
            Self::Tags
                | Self::Questions
                | Self::Signups
                | Self::OptionalSignups
                | Self::NewPatterns
                | Self::OldPatterns
                | Self::Apps
                | Self::Grants
                | Self::OptionalSerials
                | Self::OptionalEmails
        ) {
            wrong.push(json!([]));
        }
        wrong.extend(own.as_array().expect("they are listed").iter().cloned());
        wrong
    }
}

/// The fields of the searches.
fn search() -> Vec<(&'static str, Kind)> {
    use Kind::*;
    vec![
        ("app_id", Id),
        ("chat_id", OptionalId),
        ("text", Text),
        ("order", Order),
        ("descending", Flag),
        ("page_size", Size),
        ("cursor", Cursor),
    ]
}

/// A good message of every method, and its fields.
fn messages() -> Vec<(Value, Vec<(&'static str, Kind)>)> {
    use Kind::*;
    let mut messages = vec![
        (
            json!({"method": "setApp", "app_id": "7"}),
            vec![
                ("app_id", Id),
                ("name", Text),
                ("app_builder", Flag),
                ("use_whitelist", Flag),
                ("use_blacklist", Flag),
                ("tags", Tags),
            ],
        ),
        (json!({"method": "removeApp", "app_id": APP}), vec![("app_id", Id)]),
        (
            json!({"method": "setBot", "bot_id": "7"}),
            vec![
                ("bot_id", Id),
                ("name", Text),
                ("apps", Apps),
                ("grants", Grants),
                ("bound_app_id", OptionalId),
                ("token", Token),
            ],
        ),
        (json!({"method": "rotateBotToken", "bot_id": "90091784056528981"}), vec![("bot_id", Id)]),
        (json!({"method": "removeBot", "bot_id": "90091784056528981"}), vec![("bot_id", Id)]),
    ];
    let pages = [("page_size", Size), ("page_number", Number), ("cursor", Cursor)];
    for method in ["getApps", "getBots"] {
        messages.push((json!({"method": method}), pages.to_vec()));
    }
    messages.push((json!({"method": "getStateDigest"}), Vec::new()));
    messages.extend(questions());
    messages.extend(messages_about_users());
    messages.extend(messages_about_organizations());
    let in_app = [("app_id", Id), ("chat_id", OptionalId)];
    for list in ["Whitelist", "Blacklist"] {
        let mut one = |method: String, more: Value, fields: &[(&'static str, Kind)]| {
            let mut message = json!({"method": method, "app_id": APP});
            message.as_object_mut().expect("it is an object").extend(more.as_object().expect("it is one").clone());
            messages.push((message, [&in_app, fields].concat()));
        };
        one(format!("addTo{list}"), json!({"signups": ["a"]}), &[("signups", Signups)]);
        one(format!("removeFrom{list}"), json!({"signups": ["a"]}), &[("signups", Signups)]);
        one(format!("add{list}Patterns"), json!({"patterns": ["a"]}), &[("patterns", NewPatterns)]);
        one(format!("remove{list}Patterns"), json!({"patterns": ["a"]}), &[("patterns", OldPatterns)]);
        one(format!("get{list}Users"), json!({}), &pages);
        one(format!("get{list}Patterns"), json!({}), &pages);
    }
    messages
}

/// The same of the methods that ask for decisions.
fn questions() -> Vec<(Value, Vec<(&'static str, Kind)>)> {
    use Kind::*;
    let (user, sign_up) = (json!({"type": "user", "id": "a"}), json!({"name": "sign_up"}));
    let (app, known) = (json!({"type": "app", "id": APP}), |kind: &str| json!({"type": kind}));
    let subject = [("subject", Object), ("subject.type", Word), ("subject.properties", Properties)];
    let action = [("action", Object), ("action.name", Word), ("action.properties", Properties)];
    let resource = [("resource", Object), ("resource.type", Word), ("resource.properties", Properties)];
    let (who, what) = ([("subject.id", Person)], [("resource.id", Id)]);
    let page = [("context", Properties), ("page", Properties), ("page.limit", Number), ("page.token", Cursor)];
    let several = [("evaluations", Questions), ("options", Properties), ("options.evaluations_semantic", Semantic)];
    vec![
        (
            json!({"method": "checkAccess", "subject": user, "action": sign_up, "resource": app}),
            [&subject[..], &who, &action, &resource, &what, &page[..1], &several].concat(),
        ),
        (
            json!({"method": "searchSubjects", "subject": known("user"), "action": sign_up, "resource": app}),
            [&subject[..], &action, &resource, &what, &page].concat(),
        ),
        (
            json!({"method": "searchResources", "subject": user, "action": sign_up, "resource": known("app")}),
            [&subject[..], &who, &action, &resource, &page].concat(),
        ),
        (
            json!({"method": "searchActions", "subject": user, "resource": app}),
            [&subject[..], &who, &resource, &what, &page].concat(),
        ),
    ]
}

/// The same of the methods about users and what is theirs.
fn messages_about_users() -> Vec<(Value, Vec<(&'static str, Kind)>)> {
    use Kind::*;
    let pages = [("page_size", Size), ("page_number", Number), ("cursor", Cursor)];
    let of_user = [("user_id", Serial)];
    let of_share = [("user_id", Serial), ("chat_id", Serial), ("share_id", Serial)];
    let share = |method: &str| json!({"method": method, "user_id": 1, "chat_id": 123, "share_id": 456});
    let (mut add, mut remove) = (share("addToShareWhitelist"), share("removeFromShareWhitelist"));
    add["emails"] = json!(["amy@example.com"]);
    (remove["emails"], remove["entry_ids"]) = (json!(["amy@example.com"]), json!([7]));
    let settings = vec![
        ("user_id", Serial),
        ("chat_id", Serial),
        ("share_id", OptionalSerial),
        ("share_uuid", Uuid),
        ("is_shared", Flag),
        ("is_protected", Flag),
        ("password", OptionalSecret),
        ("use_whitelist", Flag),
        ("emails", OptionalEmails),
        ("create_only", Flag),
    ];
    vec![
        (json!({"method": "setUser", "primary_email": "eve@example.com"}), vec![("user_id", OptionalSerial)]),
        (
            json!({"method": "setUser", "user_id": 2}),
            vec![("primary_email", OptionalEmail), ("password", OptionalPassword)],
        ),
        (json!({"method": "removeUser", "user_id": 2}), of_user.to_vec()),
        (json!({"method": "getUsers"}), pages.to_vec()),
        (
            json!({"method": "setChat", "user_id": 1}),
            vec![("user_id", Serial), ("chat_id", OptionalSerial), ("name", Text)],
        ),
        (
            json!({"method": "removeChat", "user_id": 1, "chat_ids": [123]}),
            vec![("user_id", Serial), ("chat_ids", Serials)],
        ),
        (json!({"method": "getChats", "user_id": 1}), [&of_user[..], &pages].concat()),
        (json!({"method": "setShare", "user_id": 1, "chat_id": 123}), settings),
        (share("removeShare"), of_share.to_vec()),
        (json!({"method": "getShares", "user_id": 1}), [&of_user[..], &[("chat_id", OptionalSerial)], &pages].concat()),
        (add, [&of_share[..], &[("emails", Emails)]].concat()),
        (remove, [&of_share[..], &[("emails", OptionalEmails), ("entry_ids", OptionalSerials)]].concat()),
        (share("getShareWhitelist"), [&of_share[..], &pages].concat()),
        (
            json!({"method": "signUp", "email": "fay@example.com", "password": "Fays-pass-1!"}),
            vec![("email", Email), ("password", Password), ("confirmPassword", OptionalPassword)],
        ),
        (
            json!({"method": "logIn", "email": "owner@example.com", "password": "Demo-pass-1!"}),
            vec![("email", Email), ("password", Secret)],
        ),
        (json!({"method": "logOut", "session": "x"}), vec![("session", Session)]),
    ]
}

/// The same of the methods about organisations.
fn messages_about_organizations() -> Vec<(Value, Vec<(&'static str, Kind)>)> {
    use Kind::*;
    let pages = [("page_size", Size), ("page_number", Number), ("cursor", Cursor)];
    let in_org = [("org_id", OrgName)];
    let member = json!({"method": "addToOrgWhitelist", "org_id": "acme", "name": "Amy", "email": "amy@example.com",
        "permissions": ["can_read"], "start_date": "2025-01-01T00:00:00Z"});
    let of_member = vec![
        ("org_id", OrgName),
        ("name", FullName),
        ("email", Email),
        ("permissions", Permissions),
        ("start_date", Moment),
        ("end_date", OptionalMoment),
        ("create_only", Flag),
    ];
    vec![
        (json!({"method": "setOrganization", "org_id": "regatta"}), [&in_org[..], &[("name", Text)]].concat()),
        (json!({"method": "removeOrganization", "org_id": "acme"}), in_org.to_vec()),
        (json!({"method": "getOrganizations"}), [&pages[..2], &[("cursor", OrgCursor)]].concat()),
        (member, of_member),
        (
            json!({"method": "removeFromOrgWhitelist", "org_id": "acme", "email": "admin@example.com"}),
            [&in_org[..], &[("email", AnyText)]].concat(),
        ),
        (json!({"method": "getOrgWhitelist", "org_id": "acme"}), [&in_org[..], &pages].concat()),
        (
            json!({"method": "setApiKey", "org_id": "acme", "email": "admin@example.com"}),
            vec![
                ("org_id", OrgName),
                ("email", AnyText),
                ("key_id", OptionalSerial),
                ("name", Text),
                ("api_key", ApiKey),
            ],
        ),
        (json!({"method": "removeApiKey", "key_id": 1}), vec![("key_id", Serial)]),
        (json!({"method": "getApiKeys"}), pages.to_vec()),
        (
            json!({"method": "subscribeToEvent", "app_id": APP, "events": ["signup"]}),
            vec![("app_id", Id), ("events", Events), ("since_seq", Number), ("account_id", OptionalId)],
        ),
        (
            json!({"method": "subscribeToEvent", "user_id": 1, "org_id": "acme", "events": ["share", "organization"]}),
            vec![("user_id", Serial), ("org_id", OrgName)],
        ),
        (
            json!({"method": "unsubscribeFromEvent", "app_id": APP, "event": "signup"}),
            vec![("app_id", OptionalId), ("event", Events), ("account_id", OptionalId)],
        ),
        (json!({"method": "listEventSubscriptions"}), vec![("app_id", OptionalId), ("account_id", OptionalId)]),
        (json!({"method": "searchWhitelist", "app_id": APP}), search()),
        (json!({"method": "searchBlacklist", "app_id": APP}), search()),
        (
            json!({"method": "testPattern", "app_id": APP, "pattern": "a"}),
            vec![
                ("app_id", Id),
                ("chat_id", OptionalId),
                ("pattern", Pattern),
                ("operator", Operator),
                ("signups", OptionalSignups),
            ],
        ),
        (json!({"method": "getConnections"}), vec![("page_size", Size), ("cursor", Cursor)]),
        (
            json!({"method": "closeConnection", "connection_id": 4_000_000_000_u32}),
            vec![("connection_id", Connection), ("account_id", OptionalId)],
        ),
        (json!({"method": "watchTraffic", "watch": false}), vec![("watch", Needed)]),
        (json!({"method": "getLoad"}), vec![]),
    ]
}

#[tokio::test]
async fn no_field_takes_what_it_must_not_be() {
    let directory = TempDir::new().expect("a temporary directory");
    let gateway = gateway(directory.path()).await;
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    // What stands must not make a wrong message a harmless one.
    let stands = format!(r#"{{"method":"addToWhitelist","app_id":"{APP}","signups":["a"]}}"#);
    assert_eq!(admin.call(stands).await["method"], "addToWhitelist_ack");
    let before = (Digest::of(gateway.state()), gateway.state().folded());
    let (mut methods, mut tried) = (Vec::new(), 0);
    for (good, mut fields) in messages() {
        methods.push(good["method"].as_str().expect("a method is a string").to_owned());
        fields.extend([("reference", Kind::Reference), ("ref", Kind::Reference)]);
        for (path, kind) in fields {
            for wrong in kind.wrong() {
                let message = with(&good, path, wrong.clone());
                let reply = admin.call(message.to_string()).await;
                check_refusal(&reply, &message, path, &wrong);
                tried += 1;
            }
        }
        assert_eq!(admin.call(r#"{"method":"PING"}"#).await, json!({"method": "PONG"}));
        assert_eq!(before, (Digest::of(gateway.state()), gateway.state().folded()), "{good} changed something");
    }
    assert!(tried > 500, "only {tried} messages were tried");
    for method in METHODS {
        assert!(methods.iter().any(|tried| tried == method.call.method), "{} was not tried", method.call.method);
    }
    assert_eq!(admin.call(r#"{"method":"getApps"}"#).await["method"], "getAppsResponse");
}

/// A message with a field set; every message gets a reference to be echoed.
fn with(good: &Value, path: &str, value: Value) -> Value {
    let mut message = good.clone();
    message["reference"] = json!(12_345_678_901_234_567_u64);
    let mut place = &mut message;
    for step in path.split('.') {
        place = &mut place[step];
    }
    *place = value;
    message
}

fn check_refusal(reply: &Value, message: &Value, path: &str, wrong: &Value) {
    let sent: String = message.to_string().chars().take(300).collect();
    let said = reply["message"].as_str().unwrap_or_else(|| panic!("{sent} was not refused: {reply}"));
    assert!([400, 413].contains(&reply["error"].as_u64().expect("a code is a number")), "{sent}: {reply}");
    let call = METHODS.iter().find(|method| method.call.method == message["method"]).map(|method| method.call);
    assert!(said.starts_with(path) || said.contains(&format!("`{path}`")), "{sent}: the field is not named: {said}");
    if *wrong == json!(1.5) {
        assert!(said.contains("at line 1 column "), "{sent}: the position is missing: {said}");
    }
    let reference_is_wrong = path == "reference" || path == "ref";
    let called = call.filter(|call| call.acks && !reference_is_wrong).map(|call| json!(call.reply));
    assert_eq!(reply.get("method"), called.as_ref(), "{sent}: {reply}");
    assert_eq!(reply.get("reference"), message.get("reference").filter(|_| !reference_is_wrong), "{sent}: {reply}");
}

/// Values that the API's document has nothing against, and why it cannot: the field, a part of the value, and the reason.
const ONLY_THE_GATEWAY_KNOWS: &[(&str, &str, &str)] = &[
    ("", "\"18446744073709551616\"", "a number in a text is bounded by its digits alone"),
    ("", "2147483648\"", "a number in a text is bounded by its digits alone"),
    ("app_id", "null", "whether the token is bound to an app"),
    ("org_id", "null", "whether the caller is of one organisation"),
    ("user_id", "null", "whether the caller is a user"),
    ("events", "null", "whether `event` names what to hear of"),
    ("events", "[]", "whether `event` names what to hear of"),
    ("event", "null", "whether `events` names what to hear of"),
    ("event", "[]", "whether `events` names what to hear of"),
    ("token", "\"8:0:xxx", "the token of another bot than bot_id names"),
    ("end_date", "2025-01-01", "which of two times is the later one"),
    ("patterns", "{99}", "what it costs to match a pattern"),
    ("pattern", "{99}", "what it costs to match a pattern"),
    ("patterns", "((((", "how deeply a pattern may be nested"),
    ("patterns", "regex", "which texts are regular expressions"),
    ("subject.type", "", "over AuthZEN, what is not known is no fault of the request"),
    ("subject.id", "", "the same"),
    ("action.name", "", "the same"),
    ("resource.type", "", "the same"),
    ("resource.id", "", "the same"),
    ("page.token", "", "which tokens it gave"),
];

#[test]
fn no_field_of_the_document_takes_what_it_must_not_be() {
    let document = schemas::Schemas::of(&asyncapi::document(), jsonschema::Draft::Draft7);
    let (mut taken, mut used) = (Vec::new(), vec![false; ONLY_THE_GATEWAY_KNOWS.len()]);
    for (good, mut fields) in messages() {
        let name = component_name(good["method"].as_str().expect("a method is a string"));
        assert_eq!(document.faults(&name, &good), Vec::<String>::new(), "{good}");
        fields.extend([("reference", Kind::Reference), ("ref", Kind::Reference)]);
        for (path, kind) in fields {
            for wrong in kind.wrong() {
                let message = with(&good, path, wrong.clone());
                if !document.faults(&name, &message).is_empty() {
                    continue;
                }
                let value = wrong.to_string();
                let known = |(field, part, _): &(&str, &str, &str)| path.ends_with(field) && value.contains(part);
                match ONLY_THE_GATEWAY_KNOWS.iter().position(known) {
                    Some(index) => used[index] = true,
                    None => taken.push(format!("{name}.{path}: {}\n", value.chars().take(100).collect::<String>())),
                }
            }
        }
    }
    assert!(taken.is_empty(), "the document takes {} of them:\n{}", taken.len(), taken.concat());
    let stale = ONLY_THE_GATEWAY_KNOWS.iter().zip(used).filter(|(_, used)| !used).map(|(known, _)| known);
    assert_eq!(stale.collect::<Vec<_>>(), Vec::<&(&str, &str, &str)>::new(), "these excuses are not needed");
}

#[tokio::test]
async fn what_may_be_left_out_may_be_null_too() {
    let directory = TempDir::new().expect("a temporary directory");
    let gateway = gateway(directory.path()).await;
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    for (good, fields) in messages().into_iter().filter(|(good, _)| good["method"] != "removeApp") {
        for (path, kind) in fields {
            use Kind::*;
            if matches!(kind, OptionalId | Text | Flag | Tags | Size | Number | Cursor | Token | Apps | Grants)
                || matches!(kind, Properties | Questions | Semantic)
                || matches!(kind, OptionalSerial | OptionalSerials | OptionalEmail | OptionalEmails)
                || matches!(kind, OptionalPassword | OptionalSecret | Uuid)
                || matches!(kind, OrgCursor | OptionalMoment | ApiKey)
            {
                let message = with(&good, path, Value::Null);
                let reply = admin.call(message.to_string()).await;
                assert_eq!(reply.get("error"), None, "{message}: {reply}");
            }
        }
    }
}

#[tokio::test]
async fn what_only_the_gateway_prepares_is_not_taken_from_a_client() {
    let directory = TempDir::new().expect("a temporary directory");
    let gateway = gateway(directory.path()).await;
    let mut admin = Client::sign_in(&gateway.url(), ADMIN).await;
    let bot = "90091784056528981";
    let in_clear = "90091784056528981:0:SentByAClientToBeJournaled0001";
    for message in [
        json!({"method": "setBot", "bot_id": bot, "name": "one", "token_if_new": in_clear}),
        json!({"method": "setBot", "bot_id": "7", "token_if_new": in_clear, "shown": "x"}),
        json!({"method": "rotateBotToken", "bot_id": bot, "token": in_clear, "shown": "x"}),
        json!({"method": "setApiKey", "org_id": "acme", "email": "admin@example.com", "key_if_new": in_clear, "shown": "x"}),
    ] {
        let reply = admin.call(message.to_string()).await;
        assert_eq!(reply.get("error"), None, "{message}: {reply}");
        assert_ne!(reply["token"], in_clear, "{message}");
        assert_ne!(reply["api_key"], in_clear, "{message}");
    }
    let mut client = Client::connect(&gateway.url()).await;
    let refused = client.call(json!({"method": "TOKEN_AUTH", "token": in_clear}).to_string()).await;
    assert_eq!(refused["error"], 401);
}
