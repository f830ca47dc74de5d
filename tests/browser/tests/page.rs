//! The page in a real browser, headless: what it shows, what it changes, and that it keeps up.

use guestlist_browser_tests::{ADMIN, ANYWHERE, APP, Browser, Gateway, HOSTILE, directory};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_refused_and_the_page_says_why_and_when_that_changes() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let browser = Browser::signed_in(&gateway, ADMIN, "").await;
    browser.see("#view table", "Demo app").await;
    browser.click(&format!("a[href='#/apps/{APP}']")).await;
    browser.click("a[href$='/try']").await;
    browser.fill("#who-tries", "name@example.com").await;
    browser.see(".verdict.refused", "Refused name@example.com: The whitelist decides, and has neither them").await;
    browser.picture("try-an-address").await;
    gateway.call(&json!({"method": "addToWhitelist", "app_id": APP, "signups": ["name@example.com"]}));
    browser.see(".verdict.allowed", "The whitelist has name@example.com").await;
    gateway.call(&json!({"method": "addBlacklistPatterns", "app_id": APP, "patterns": ["*@example.com"]}));
    browser.see(".verdict.refused", "The blacklist has the pattern *@example.com").await;
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_browsers_see_what_each_other_changes_and_no_text_is_taken_for_html() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let (one, other) = (Browser::signed_in(&gateway, ADMIN, "").await, Browser::signed_in(&gateway, ADMIN, "").await);
    for browser in [&one, &other] {
        browser.click(&format!("a[href='#/apps/{APP}']")).await;
        browser.see("#view", "Nobody is on it yet").await;
    }
    one.fill("#add", &format!("Ann@Example.com, ann@example.com\nbob@example.com\n{HOSTILE}\n{}", "x".repeat(300)))
        .await;
    one.see("output", "3 sign-ups, 1 is there twice, 1 is too long and left out").await;
    one.click("#view form button").await;
    for browser in [&one, &other] {
        for signup in ["ann@example.com", "bob@example.com", HOSTILE] {
            browser.see("#view table", signup).await;
        }
    }
    other.fill("input[aria-label='Tags of bob@example.com']", "4, 7").await;
    other.leave("input[aria-label='Tags of bob@example.com']").await;
    one.see_value("input[aria-label='Tags of bob@example.com']", "4, 7").await;
    one.picture("whitelist").await;
    one.click("button[aria-label='Remove ann@example.com']").await;
    other.see_no("button[aria-label='Remove ann@example.com']").await;
    for part in ["blacklist", "patterns"] {
        one.click(&format!("a[href$='/{part}']")).await;
        let (field, send) =
            if part == "patterns" { ("#pattern", "#view form button") } else { ("#add", "#view form button") };
        one.fill(field, HOSTILE).await;
        one.click(send).await;
        one.see("#view table", HOSTILE).await;
        one.is_accessible().await;
    }
    let title = one.title().await;
    assert_eq!(title, format!("App {APP} · Guestlist"));
    gateway.call(&json!({"method": "setApp", "app_id": "7001", "name": HOSTILE}));
    one.click("header a").await;
    one.see("#view table", HOSTILE).await;
    one.is_accessible().await;
    one.picture("apps").await;
    one.click(&format!("input[aria-label='Whitelist of {}']", "Demo app decides")).await;
    other.click("header a").await;
    other.see_unchecked("input[aria-label='Whitelist of Demo app decides']").await;
    one.fill("input[aria-label='Tags of Demo app']", "5, 8").await;
    one.leave("input[aria-label='Tags of Demo app']").await;
    other.see_value("input[aria-label='Tags of Demo app']", "5, 8").await;
    one.fill("#new-app", "Picnic").await;
    one.click("#view form.line button").await;
    one.see("#view", "Nobody is on it yet").await;
    other.see("#view table", "Picnic").await;
    assert!(one.title().await.starts_with("App 9"));
    for browser in [one, other] {
        browser.end().await;
    }
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_outlives_a_restart_and_says_when_it_is_behind() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let address = gateway.address.clone();
    let browser = Browser::signed_in(&gateway, ADMIN, "").await;
    browser.click(&format!("a[href='#/apps/{APP}']")).await;
    browser.see("#state.live", "Live").await;
    gateway.stop();
    browser.see("#state.behind", "Behind").await;
    let gateway = Gateway::start(directory.path(), &address);
    gateway.call(&json!({"method": "addToWhitelist", "app_id": APP, "signups": ["meanwhile@example.com"]}));
    browser.see("#state.live", "Live").await;
    browser.see("#view table", "meanwhile@example.com").await;
    gateway.call(&json!({"method": "addToWhitelist", "app_id": APP, "signups": ["later@example.com"]}));
    browser.see("#view table", "later@example.com").await;
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_signs_in_once_and_whoever_signs_out_is_out() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let link = gateway.link();
    let browser = Browser::start().await;
    browser.open(&link).await;
    browser.see("#who", "Demo administrator").await;
    browser.is_accessible().await;
    browser.click("#out").await;
    browser.see("#sign-in", "A bot's token").await;
    browser.is_accessible().await;
    browser.open(&link).await;
    browser.see("#problem", "").await;
    browser.fill("#token", "no-token").await;
    browser.click("#sign-in button").await;
    browser.see("#problem", "the token is not known").await;
    browser.picture("sign-in").await;
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn organisations_shares_and_bots_are_looked_after() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let browser = Browser::signed_in(&gateway, ADMIN, "").await;

    browser.click("a[href='#/organizations']").await;
    browser.see("#view table", "Demo organisation").await;
    browser.fill("#org-id", "picnic").await;
    browser.fill("#org-name", HOSTILE).await;
    browser.click("#view form button").await;
    browser.see("#view", "Nobody is a member yet").await;
    browser.fill("#member-name", HOSTILE).await;
    browser.fill("#member-email", "jane@example.com").await;
    browser.click("input[value='can_use_api']").await;
    browser.click("#view form button").await;
    browser.see("#view table", "can_read, can_use_api").await;
    browser.see("#view table", "active").await;
    browser.see("#view table", HOSTILE).await;
    browser.is_accessible().await;
    browser.picture("organisation").await;
    browser.click("button[aria-label='Remove jane@example.com']").await;
    browser.see("#view", "Nobody is a member yet").await;

    browser.click("a[href='#/shares']").await;
    browser.click("a[href='#/shares/1']").await;
    browser.see("#view table", "550e8400-e29b-41d4-a716-446655440000").await;
    browser.click("a[href='#/shares/1/123/456']").await;
    browser.see("#view table", "the owner").await;
    browser.fill("#emails", "amy@example.com").await;
    browser.click("#view form button").await;
    browser.see("#view table", "amy@example.com").await;
    browser.is_accessible().await;
    browser.click("button[aria-label='Remove amy@example.com']").await;
    browser.see_no("button[aria-label='Remove amy@example.com']").await;

    browser.click("a[href='#/bots']").await;
    browser.see("#view table", "Demo administrator").await;
    browser.fill("#new-bot", "Door <b>").await;
    browser.fill("#bot-app", APP).await;
    browser.click("#view form button").await;
    browser.see(".secret", "The token of Door <b>, shown this once").await;
    browser.see(".snippet code", &format!("URL = \"ws://{}/nandbox/api/\"", gateway.address)).await;
    browser.see(".snippet code", &format!("APP_ID = \"{APP}\"")).await;
    browser.click("#language option[value='bot.js']").await;
    browser.see(".snippet code", &format!("const url = \"ws://{}/nandbox/api/\"", gateway.address)).await;
    browser.see("#view table", &format!("signup_management {APP}")).await;
    browser.click("button[aria-label='New token for Demo bot']").await;
    browser.see(".secret", "The token of Demo bot, shown this once").await;
    browser.is_accessible().await;
    browser.click("button[aria-label='Remove Door <b>']").await;
    browser.click("button[aria-label='Really remove Door <b>?']").await;
    browser.see_no("button[aria-label='New token for Door <b>']").await;
    assert_eq!(browser.title().await, "Bots · Guestlist");
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_seen_as_they_come_and_back_to_the_first() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let browser = Browser::signed_in(&gateway, ADMIN, "").await;
    browser.click("a[href='#/changes']").await;
    // What the demo began with.
    browser.see("#view table", "seed").await;
    for signup in [HOSTILE, "ann@example.com"] {
        gateway.call(&json!({"method": "addToWhitelist", "app_id": APP, "signups": [signup]}));
        browser.see("#view table", signup).await;
    }
    browser.fill("#filter", "ann@").await;
    browser.see_no("#view tbody tr:nth-child(2)").await;
    browser.fill("#since", "0").await;
    browser.fill("#filter", "setapp").await;
    browser.click("#view form button").await;
    browser.see("#view table", "seed").await;
    browser.is_accessible().await;
    browser.picture("changes").await;
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn any_message_can_be_sent_and_its_answer_is_shown() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let browser = Browser::signed_in(&gateway, ADMIN, "").await;
    browser.click("a[href='#/console']").await;
    browser.see_value_with("#message", "\"method\"").await;
    browser.fill("#message", r#"{"method": "getStateDigest"}"#).await;
    browser.click("#view form button").await;
    browser.see("#view pre", "getStateDigestResponse").await;
    browser.fill("#message", r#"{"method": "getWhitelistUsers", "app_id": "1"}"#).await;
    browser.click("#view form button").await;
    browser.see("#view pre", "160015").await;
    browser.fill("#message", "not JSON").await;
    browser.click("#view form button").await;
    browser.see("#problem", "JSON").await;
    browser.is_accessible().await;
    browser.picture("console").await;
    browser.end().await;
    gateway.stop();
}
