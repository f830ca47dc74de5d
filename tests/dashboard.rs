//! Signing in to the page: by a link that works once, or by a token; what the cookie is good for, and until when.

mod support;

use std::path::Path;

use guestlist::config::Limits;
use guestlist::gateway::{Gateway, Options};
use serde_json::{Value, json};
use support::home::Home;
use support::http::{Answer, Http};
use support::process::run;
use support::{ADMIN, BARE_BOT, BOT, Client, Received, gateway, options};
use tempfile::TempDir;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, http};

const COOKIE: &str = "guestlist-session";

fn directory() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

/// Signs in, and gives the cookie's value.
async fn sign_in(http: &Http, proof: &Value) -> String {
    let answer = http.post("/dashboard/session").json(proof).send().await.expect(200);
    cookie(&answer)
}

fn cookie(answer: &Answer) -> String {
    let line = answer.header("set-cookie").expect("a cookie is set");
    let (cookie, attributes) = line.split_once(';').expect("it has attributes");
    assert_eq!(attributes, " HttpOnly; SameSite=Strict; Path=/dashboard; Max-Age=604800");
    cookie.strip_prefix(&format!("{COOKIE}=")).expect("it has its name").to_owned()
}

/// The secret of a link.
async fn setup(http: &Http) -> String {
    let made = http.post("/dashboard/links").bearer(ADMIN).send().await.expect(200).json();
    let url = made["url"].as_str().expect("it is told where").to_owned();
    url.split_once("/#setup=").expect("the secret is behind the number sign").1.to_owned()
}

/// Opens the page's socket, as a browser with a cookie would from a page of some origin.
async fn socket(gateway: &Gateway, cookie: Option<&str>, origin: Option<&str>) -> Result<Client, u16> {
    let mut request =
        format!("ws://{}/dashboard/socket", gateway.address()).into_client_request().expect("it is an address");
    let mut put = |name: &'static str, value: String| {
        request.headers_mut().insert(name, value.parse::<http::HeaderValue>().expect("it is a header's value"));
    };
    if let Some(cookie) = cookie {
        put("cookie", format!("{COOKIE}={cookie}"));
    }
    if let Some(origin) = origin {
        put("origin", origin.to_owned());
    }
    match connect_async(request).await {
        Ok((socket, _)) => Ok(Client(socket)),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

fn own(gateway: &Gateway) -> String {
    format!("http://{}", gateway.address())
}

#[tokio::test]
async fn a_link_signs_one_browser_in_and_is_made_for_administrators_alone() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let http = Http::of(&gateway);
    http.post("/dashboard/links").send().await.expect(401);
    http.post("/dashboard/links").bearer(BOT).send().await.expect(403);
    let proof = json!({"setup": setup(&http).await});
    let cookie = sign_in(&http, &proof).await;
    let told = http.get("/dashboard/session").cookie(COOKIE, &cookie).send().await.expect(200).json();
    assert_eq!((&told["bot_id"], &told["is_admin"]), (&json!("1"), &json!(true)), "{told}");
    let again = http.post("/dashboard/session").json(&proof).send().await.expect(401);
    assert!(again.text().contains("the link was used") && again.header("set-cookie").is_none(), "{}", again.text());
    let of_start = gateway.setup_link().expect("there is an administrator");
    let (page, secret) = of_start.split_once("/#setup=").expect("the secret is behind the number sign");
    assert_eq!(page, own(&gateway));
    sign_in(&http, &json!({"setup": secret})).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_bots_token_signs_in_as_that_bot_and_other_secrets_do_not() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let http = Http::of(&gateway);
    let cookie = sign_in(&http, &json!({"token": BARE_BOT})).await;
    let told = http.get("/dashboard/session").cookie(COOKIE, &cookie).send().await.expect(200).json();
    assert_eq!((&told["name"], &told["is_admin"]), (&json!("Demo bot without permission"), &json!(false)), "{told}");
    for proof in
        [json!({"token": "x"}), json!({"token": "demo-org-key"}), json!({"setup": ""}), json!({"token": cookie})]
    {
        let answer = http.post("/dashboard/session").json(&proof).send().await.expect(401);
        assert_eq!(answer.header("set-cookie"), None);
    }
    http.post("/dashboard/session").json(&json!({})).send().await.expect(400);
    http.get("/dashboard/session").send().await.expect(401);
    let signed_out = http.delete("/dashboard/session").cookie(COOKIE, &cookie).send().await.expect(204);
    assert!(signed_out.header("set-cookie").is_some_and(|line| line.contains("Max-Age=0")));
    gateway.stop().await;
}

#[tokio::test]
async fn a_cookie_that_was_changed_in_any_place_signs_nobody_in() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let http = Http::of(&gateway);
    let cookie = sign_in(&http, &json!({"token": ADMIN})).await;
    for place in 0..cookie.len() {
        let mut changed = cookie.clone().into_bytes();
        changed[place] = if changed[place] == b'1' { b'2' } else { b'1' };
        let changed = String::from_utf8(changed).expect("it is text still");
        http.get("/dashboard/session").cookie(COOKIE, &changed).send().await.expect(401);
    }
    http.get("/dashboard/session").cookie(COOKIE, &cookie).send().await.expect(200);
    gateway.stop().await;
}

#[tokio::test]
async fn the_socket_is_for_pages_of_its_own_origin_and_speaks_as_who_signed_in() {
    let directory = directory();
    let allowed_origins = vec!["https://app.example.com".parse().expect("it is an origin")];
    let options = Options { allowed_origins, ..options(directory.path(), Limits::default()) };
    let gateway = Gateway::start(options).await.expect("the gateway starts");
    let http = Http::of(&gateway);
    let cookie = sign_in(&http, &json!({"setup": setup(&http).await})).await;
    let own = own(&gateway);
    for foreign in [None, Some("null"), Some("https://evil.example"), Some("http://app.example.com")] {
        assert_eq!(socket(&gateway, Some(&cookie), foreign).await.err(), Some(403), "{foreign:?}");
    }
    assert_eq!(socket(&gateway, None, Some(&own)).await.err(), Some(401));
    for origin in [&*own, "https://app.example.com"] {
        let mut page = socket(&gateway, Some(&cookie), Some(origin)).await.expect("it is opened");
        assert_eq!(page.json().await["method"], "TOKEN_AUTH_OK");
        assert_eq!(page.call(json!({"method": "getBots", "reference": 1})).await["method"], "getBotsResponse");
    }
    // Where bots connect the cookie is good for nothing, whatever the origin.
    let mut request = gateway.url().into_client_request().expect("it is an address");
    request.headers_mut().insert("origin", own.parse().expect("it is a header's value"));
    request.headers_mut().insert("cookie", format!("{COOKIE}={cookie}").parse().expect("it is a header's value"));
    let mut bot = Client(connect_async(request).await.expect("an origin makes no difference").0);
    assert_eq!(bot.call(json!({"method": "getBots"})).await["error"], 401);
    gateway.stop().await;
}

#[tokio::test]
async fn a_page_of_another_origin_signs_nobody_in_or_out() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let http = Http::of(&gateway);
    let proof = json!({"setup": setup(&http).await});
    for (name, value) in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        let answer = http.post("/dashboard/session").json(&proof).header(name, value).send().await.expect(403);
        assert_eq!(answer.header("set-cookie"), None);
        let answer = http.delete("/dashboard/session").header(name, value).send().await.expect(403);
        assert_eq!(answer.header("set-cookie"), None);
    }
    // What was refused did not use the link up.
    sign_in(&http, &proof).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_session_survives_a_restart_and_ends_with_its_bots_token() {
    let directory = directory();
    let first = gateway(directory.path()).await;
    let cookie = sign_in(&Http::of(&first), &json!({"token": BOT})).await;
    first.stop().await;
    let second = gateway(directory.path()).await;
    let mut page = socket(&second, Some(&cookie), Some(&own(&second))).await.expect("it is opened");
    assert_eq!(page.json().await["method"], "TOKEN_AUTH_OK");
    let mut admin = Client::sign_in(&second.url(), ADMIN).await;
    let rotated = admin.call(json!({"method": "rotateBotToken", "bot_id": "90091784056528980"})).await;
    assert_eq!(rotated["method"], "rotateBotToken_ack", "{rotated}");
    assert_eq!(page.json().await["error"], 401);
    assert!(matches!(page.receive().await, Received::Close(1008, _)));
    assert_eq!(socket(&second, Some(&cookie), Some(&own(&second))).await.err(), Some(401));
    second.stop().await;
}

#[tokio::test]
async fn the_page_runs_nothing_and_fetches_nothing_but_its_own() {
    let directory = directory();
    let gateway = gateway(directory.path()).await;
    let http = Http::of(&gateway);
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dashboard/page");
    let names =
        files.read_dir().expect("the directory can be listed").map(|file| file.expect("it is there").file_name());
    for name in names {
        let name = name.to_str().expect("the names are text");
        let path = if name == "index.html" { "/".to_owned() } else { format!("/dashboard/{name}") };
        let media_types = [(".js", "text/javascript"), (".css", "text/css"), (".html", "text/html")];
        let known = media_types.into_iter().find(|(ending, _)| name.ends_with(ending));
        let (path, (_, media_type)) = (path.as_str(), known.unwrap_or_else(|| panic!("{name} is of no known type")));
        let file = http.get(path).send().await.expect(200);
        assert!(file.header("content-type").is_some_and(|found| found.starts_with(media_type)), "{path}");
        let policy = file.header("content-security-policy").expect("there is a policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"));
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
        let tag = file.header("etag").expect("it has a tag").to_owned();
        http.get(path).header("if-none-match", tag).send().await.expect(304);
        let text = file.text();
        assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("innerHTML"), "{path}");
    }
    gateway.stop().await;
}

#[test]
fn the_command_prints_a_link_and_says_why_there_is_none() {
    let home = Home::new();
    let served = home.serve(&["--demo"]);
    let link = run(&["admin", "link", "--url", &served.url, "--token", ADMIN]);
    assert!(link.code == Some(0) && link.stdout.starts_with("http://127.0.0.1:"), "{link:?}");
    assert!(link.stdout.contains("/#setup=") && link.stderr.contains("signs one browser in, once"), "{link:?}");
    let refused = run(&["admin", "link", "--url", &served.url, "--token", BOT]);
    assert!(refused.code == Some(1) && refused.stderr.contains("lacks the permission \"admin\""), "{refused:?}");
    served.stop();
}
