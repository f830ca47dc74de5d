//! What happens now, in a real browser: traffic and charts as they come, the console's form, and the page on a phone, in the dark and
//! by keyboard.

use guestlist_browser_tests::{ADMIN, ANYWHERE, APP, BOT, Browser, Gateway, HOSTILE, directory};
use serde_json::json;
use thirtyfour::Key;

const IDLE_BOT: &str = "90091784056528981:0:DemoBotWithoutAnyPermission001";

/// The demo user's password.
const PASSWORD: &str = "Demo-pass-1!";

/// Every view, with what its heading says.
const VIEWS: [(&str, &str); 13] = [
    ("apps", "Apps"),
    ("apps/90090684293000559/whitelist", "App 90090684293000559"),
    ("apps/90090684293000559/blacklist", "App 90090684293000559"),
    ("apps/90090684293000559/patterns", "App 90090684293000559"),
    ("shares", "Shares"),
    ("shares/1", "Shares of user 1"),
    ("shares/1/123/456", "Share 456"),
    ("organizations", "Organisations"),
    ("organizations/acme", "Organisation acme"),
    ("bots", "Bots"),
    ("live", "Live"),
    ("changes", "Changes"),
    ("console", "Console"),
];

/// Chooses one of a few.
async fn choose(browser: &Browser, css: &str, value: &str) {
    browser.click(&format!("{css} option[value='{value}']")).await;
}

fn question(id: &str) -> serde_json::Value {
    json!({
        "method": "checkAccess",
        "subject": {"type": "user", "id": id},
        "action": {"name": "sign_up"},
        "resource": {"type": "app", "id": APP},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_is_seen_as_it_comes_without_its_secrets() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let browser = Browser::signed_in(&gateway, ADMIN, "live").await;
    browser.see("#view", "Nothing has happened since you came").await;
    browser.is_accessible().await;
    assert!(gateway.say(BOT, &question(HOSTILE)));
    browser.see("#traffic", "checkAccess").await;
    browser.see("#traffic tr.out .refused", "not allowed").await;
    browser.see("#traffic tr.closed", "bot:90091784056528980").await;
    browser.see("#traffic tr.opened", "bot:90091784056528980").await;
    gateway.call(&json!({"method": "addToWhitelist", "app_id": APP, "signups": ["ann@example.com"]}));
    assert!(gateway.say(BOT, &question("ann@example.com")));
    browser.see("#traffic tr.out .allowed", "allowed").await;
    assert!(!gateway.say(IDLE_BOT, &question("bob@example.com")));
    browser.see("#traffic", "refused, 160017").await;
    gateway.call(&json!({"method": "logIn", "email": "owner@example.com", "password": PASSWORD}));
    browser.see("#traffic", "owner@example.com").await;
    browser.is_accessible().await;
    browser.picture("live").await;

    // A message is read whole, by keyboard too.
    browser.fill("#traffic-method", "logIn").await;
    browser.see_no("#traffic tr.opened").await;
    browser.run("document.querySelector('#traffic tr.in button').focus()").await;
    browser.press(Key::Enter).await;
    browser.see("dialog[open] pre", "\"email\": \"owner@example.com\"").await;
    browser.is_accessible().await;
    browser.picture("live-message").await;
    browser.press(Key::Escape).await;
    browser.see_no("dialog[open]").await;
    browser.see_true("document.activeElement.matches('#traffic tr.in button')").await;
    // Whoever is on a row stays on it while others come.
    gateway.call(&json!({"method": "logIn", "email": "owner@example.com", "password": PASSWORD}));
    browser.see_true("document.querySelectorAll('#traffic tr.in').length === 2").await;
    browser.see_true("document.activeElement.matches('#traffic tr.in:last-child button')").await;

    // Secrets that the gateway gives are seen no more than those that it is given.
    browser.fill("#traffic-method", "rotateBotToken").await;
    gateway.call(&json!({"method": "rotateBotToken", "bot_id": "90091784056528981"}));
    browser.see("#traffic tr.out button", "\"token\":\"•••\"").await;
    browser.fill("#traffic-method", "").await;
    let source = browser.source().await;
    for secret in [ADMIN, BOT, IDLE_BOT, PASSWORD] {
        assert!(!source.contains(secret), "{secret} is on the page");
    }
    assert_eq!(browser.title().await, "Live · Guestlist");
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_is_filtered_paused_and_cleared_and_goes_on_after_a_restart() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let address = gateway.address.clone();
    let browser = Browser::signed_in(&gateway, ADMIN, "live").await;
    browser.see("#view", "Nothing has happened since you came").await;
    for token in [BOT, ADMIN] {
        assert!(gateway.say(token, &question("ann@example.com")));
    }
    browser.see("#traffic", "bot:90091784056528980").await;
    browser.see("#traffic", "bot:1").await;
    browser.fill("#traffic-account", "8980").await;
    browser
        .see_true("[...document.querySelectorAll('#traffic tbody tr')].every((row) => row.innerText.includes('8980'))")
        .await;
    browser.see("#traffic", "bot:90091784056528980").await;
    browser.see_true("document.querySelector('#traffic-account-seen option[value=\"bot:1\"]')").await;
    choose(&browser, "#traffic-kind", "decisions").await;
    browser.see_true("document.querySelectorAll('#traffic tbody tr').length === 1").await;
    browser.see("#traffic tr.out", "checkAccessResponse").await;
    choose(&browser, "#traffic-kind", "connections").await;
    browser.see_no("#traffic tr.out").await;
    browser.see("#traffic tr.opened", "bot:90091784056528980").await;
    browser.fill("#traffic-account", "nobody at all").await;
    browser.see("#view .none:not([hidden])", "Nothing of what came fits").await;

    choose(&browser, "#traffic-kind", "").await;
    browser.fill("#traffic-account", "bot").await;
    browser.click("button[aria-label='Clear what is shown']").await;
    browser.see_no("#traffic tbody tr").await;
    browser.click("button[aria-label='Pause']").await;
    assert!(gateway.say(BOT, &question("paused@example.com")));
    browser.see("#traffic-told", "paused").await;
    browser.see_true("/[1-9]\\d* wait/.test(document.querySelector('#traffic-told').textContent)").await;
    browser.see_no("#traffic tbody tr").await;
    browser.click("button[aria-label='Go on']").await;
    browser.see("#traffic tbody", "paused@example.com").await;

    gateway.stop();
    browser.see("#state.behind", "Behind").await;
    let gateway = Gateway::start(directory.path(), &address);
    browser.see("#state.live", "Live").await;
    assert!(gateway.say(BOT, &question("later@example.com")));
    browser.see("#traffic tbody", "later@example.com").await;
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_traffic_leaves_the_page_usable() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let browser = Browser::signed_in(&gateway, ADMIN, "live").await;
    browser.see("#view", "Nothing has happened since you came").await;
    let mut flood = gateway.flood(BOT, 30_000);
    browser.see("#traffic-told", "left out, for they came too fast").await;
    browser.see_true("document.querySelectorAll('#traffic tbody tr').length === 200").await;
    browser.fill("#traffic-method", "addToWhitelist").await;
    browser.see("#traffic tbody", "addToWhitelist").await;
    browser.click("button[aria-label='Pause']").await;
    browser.see("#traffic-told", "paused").await;
    browser.click("#traffic tr button").await;
    browser.see("dialog[open] pre", "\"method\": \"addToWhitelist").await;
    browser.click("dialog button").await;
    assert!(flood.wait().expect("it ends").success());
    browser.click("button[aria-label='Go on']").await;
    browser.see_true("document.querySelectorAll('#traffic tbody tr').length <= 200").await;
    assert!(gateway.say(BOT, &json!({"method": "addToWhitelist", "app_id": APP, "signups": ["last@example.com"]})));
    browser.see("#traffic tbody", "last@example.com").await;
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn charts_show_how_busy_the_gateway_is_and_so_does_a_table() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    assert!(gateway.say(BOT, &question("ann@example.com")));
    let browser = Browser::signed_in(&gateway, ADMIN, "live").await;
    for (chart, title, series) in [
        ("messages", "Messages a second", ["all", "refused"]),
        ("latencies", "Time to answer", ["median", "p99"]),
        ("decisions", "Decisions a second", ["allowed", "not allowed"]),
    ] {
        let chart = format!("#chart-{chart}");
        browser.see(&format!("{chart} figcaption"), title).await;
        for name in series {
            browser.see(&format!("{chart} figcaption"), name).await;
        }
        browser.see_true(&format!("document.querySelectorAll('{chart} path.line').length === 2")).await;
        browser
            .see_true(&format!("/From .+ to .+ at most/.test(document.querySelector('{chart} desc').textContent)"))
            .await;
        browser.see_true(&format!("document.querySelectorAll('{chart} text').length === 3")).await;
    }
    // What was asked before the page came is in what is drawn.
    browser
        .see_true("/M[\\d.]+ \\d/.test(document.querySelector('#chart-latencies path.line').getAttribute('d'))")
        .await;
    browser.click("#view summary").await;
    browser.see("#view details table", "Median, ms").await;
    browser.see_true("document.querySelectorAll('#view details tbody tr').length >= 1").await;
    browser.is_accessible().await;
    browser.picture("charts").await;
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_administrators_see_what_others_send() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let browser = Browser::signed_in(&gateway, BOT, "live").await;
    browser.see("#view", "Only administrators see what others send").await;
    browser.is_accessible().await;
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_filled_in_by_its_fields_and_the_json_that_is_sent_follows() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let browser = Browser::signed_in(&gateway, ADMIN, "console").await;
    browser.see_value_with("#message", "\"method\"").await;
    browser.see_true("document.querySelectorAll('#method optgroup').length > 5").await;
    choose(&browser, "#method", "addToWhitelist").await;
    browser.see("label[for='field-signups']", "signups (required)").await;
    browser.see("#help-signups", "The people; one alone needs no array.").await;
    browser
        .see_true("document.querySelector('#field-signups').getAttribute('aria-describedby') === 'help-signups'")
        .await;
    browser.is_accessible().await;
    let lines = format!("ann@example.com\n{}\n{HOSTILE}", json!({"signup_id": "bob@example.com", "tags": ["4"]}));
    browser.fill("#field-app_id", APP).await;
    browser.fill("#field-signups", &lines).await;
    browser.see_value_with("#message", "\"signup_id\": \"bob@example.com\"").await;
    browser.see_value_with("#message", &format!("\"app_id\": \"{APP}\"")).await;
    browser.click("#view form button").await;
    browser.see("#view output section:first-child", "Answer, after").await;
    browser.see("#view output section:nth-child(2)", "Sent").await;
    browser.see("#view output section:nth-child(2) pre", "onerror").await;
    browser.picture("console-form").await;

    // What is left empty is not sent; what is a number or a yes is sent as such.
    choose(&browser, "#method", "setShare").await;
    browser.fill("#field-chat_id", "123").await;
    browser.fill("#field-user_id", "1").await;
    choose(&browser, "#field-is_shared", "true").await;
    choose(&browser, "#field-is_protected", "").await;
    browser.see_value_with("#message", "\"is_shared\": true").await;
    browser.see_value_with("#message", "\"chat_id\": 123").await;
    browser.see_true("!document.querySelector('#message').value.includes('is_protected')").await;
    browser.fill("#field-share_id", "").await;

    // The JSON wins: the method and the fields follow it, and what is no JSON leaves them alone.
    browser.fill("#message", "{\"method\": \"getWhitelistUsers\", ").await;
    browser.see_true("document.querySelector('.fields').disabled").await;
    browser.see("#view form", "The fields are back once the message is JSON again").await;
    browser.fill("#message", &json!({"method": "getWhitelistUsers", "app_id": APP, "page_size": 2}).to_string()).await;
    browser.see_value("#method", "getWhitelistUsers").await;
    browser.see_value("#field-page_size", "2").await;
    browser.fill("#field-page_size", "1").await;
    browser.see_value_with("#message", "\"page_size\": 1").await;
    browser.click("#view form button").await;
    browser.see("#view pre", "ann@example.com").await;
    // An id as a number keeps all its digits.
    browser.fill("#message", &format!("{{\"method\": \"getWhitelistUsers\", \"app_id\": {APP}}}")).await;
    browser.click("#view form button").await;
    browser.see("#view output section:nth-child(2) pre", &format!("\"app_id\": {APP}")).await;
    browser.see("#view pre", "bob@example.com").await;
    browser.click("button[aria-label='Clear the fields']").await;
    browser.see_value("#field-app_id", "").await;
    browser.click("#view form button").await;
    browser.see("#view output", "Refusal, after").await;
    assert_eq!(browser.title().await, "Console · Guestlist");
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_view_fits_a_phone_and_is_accessible_in_the_dark() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    gateway.call(&json!({"method": "addToWhitelist", "app_id": APP, "signups": ["x".repeat(250)]}));
    gateway
        .call(&json!({"method": "addBlacklistPatterns", "app_id": APP, "patterns": [format!("*{}", "y".repeat(250))]}));
    gateway.call(&json!({"method": "setApp", "app_id": "7001", "name": "z".repeat(250)}));
    let browser = Browser::signed_in(&gateway, ADMIN, "apps").await;
    let light = browser.run("return getComputedStyle(document.documentElement).backgroundColor").await;
    browser.become_phone().await;
    browser.become_dark().await;
    let dark = browser.run("return getComputedStyle(document.documentElement).backgroundColor").await;
    assert_ne!(light, dark, "it is as bright as by day");
    for (view, heading) in VIEWS {
        browser.run(&format!("location.hash = '#/{view}'")).await;
        browser.see("#view h2", heading).await;
        browser.see_true("document.querySelectorAll('#views [aria-current]').length === 1").await;
        browser.see_true(&format!("document.title === '{heading} · Guestlist'")).await;
        browser.see_true("document.documentElement.scrollWidth <= 400").await;
        browser.is_accessible().await;
        browser.picture(&format!("phone-{}", view.replace('/', "-"))).await;
    }
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_a_keyboard_alone_gets_everywhere() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let browser = Browser::signed_in(&gateway, ADMIN, "shares").await;
    browser.see("#view h2", "Shares").await;
    browser.run("document.querySelector('#skip').focus()").await;
    browser.see_true("document.querySelector('#skip').getBoundingClientRect().left >= 0").await;
    browser.press(Key::Enter).await;
    browser.see_true("document.activeElement.id === 'main' && location.hash === '#/shares'").await;
    // Whoever goes elsewhere is there, at its heading.
    browser.run("document.querySelector('#views a[href=\"#/bots\"]').focus()").await;
    browser.see_true("getComputedStyle(document.activeElement).outlineStyle !== 'none'").await;
    browser.press(Key::Enter).await;
    browser.see_true("document.activeElement.matches('h2') && document.activeElement.textContent === 'Bots'").await;
    browser.see("#views [aria-current='page']", "Bots").await;
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_saved_as_csv() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let browser = Browser::signed_in(&gateway, ADMIN, "changes").await;
    browser.see("#view table", "seed").await;
    gateway.call(&json!({"method": "addToWhitelist", "app_id": APP, "signups": [HOSTILE]}));
    browser.see("#view table", HOSTILE).await;
    browser.keep_saved().await;
    browser.click("button[aria-label='Save what is shown as CSV']").await;
    browser.see_true("window.saved?.startsWith('When,Who,What,Of,Which,Number\\n')").await;
    browser
        .see_true("window.saved.includes(',bot:1,addToWhitelist,app 90090684293000559,\"<img src=x onerror=\"\"')")
        .await;
    browser.fill("#filter", "nothing has this").await;
    browser.see("#view", "None of the changes has that").await;
    browser.end().await;
    gateway.stop();
}
