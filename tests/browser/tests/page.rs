//! The page in a real browser, headless: what it shows, what it changes, and that it keeps up.

use guestlist_browser_tests::{ADMIN, APP, Browser, Gateway};
use serde_json::json;
use tempfile::TempDir;

/// What would run, were it taken for HTML.
const HOSTILE: &str = "<img src=x onerror=\"document.title='taken'\">@example.com";

/// Any port that is free.
const ANYWHERE: &str = "127.0.0.1:0";

fn directory() -> TempDir {
    TempDir::new().expect("there is room for a directory")
}

/// The page, signed in as an administrator.
async fn signed_in(gateway: &Gateway) -> Browser {
    let browser = Browser::start().await;
    browser.open(&format!("http://{}/", gateway.address)).await;
    browser.fill("#token", ADMIN).await;
    browser.click("#sign-in button").await;
    browser.see("#who", "Demo administrator").await;
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_refused_and_the_page_says_why_and_when_that_changes() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let browser = signed_in(&gateway).await;
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
    let (one, other) = (signed_in(&gateway).await, signed_in(&gateway).await);
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
    assert_eq!(title, "Guestlist");
    gateway.call(&json!({"method": "setApp", "app_id": "7001", "name": HOSTILE}));
    one.click("header a").await;
    one.see("#view table", HOSTILE).await;
    one.is_accessible().await;
    one.picture("apps").await;
    one.click(&format!("input[aria-label='Whitelist of {}']", "Demo app decides")).await;
    other.click("header a").await;
    other.see_unchecked("input[aria-label='Whitelist of Demo app decides']").await;
    one.fill("#new-app", "Picnic").await;
    one.click("#view form.line button").await;
    one.see("#view", "Nobody is on it yet").await;
    other.see("#view table", "Picnic").await;
    assert_eq!(one.title().await, "Guestlist");
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
    let browser = signed_in(&gateway).await;
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
