//! The lists in a real browser: searched, sorted, saved and read as CSV; what patterns match, and which bots are connected.

use std::fs;

use guestlist_browser_tests::{ADMIN, ANYWHERE, APP, BOT, Browser, Gateway, HOSTILE, directory};
use serde_json::json;

/// The sign-up ids that are shown.
const IDS: &str = "#view tbody td:first-child";

/// The page of a gateway, signed in as an administrator, at one of its views.
async fn at(gateway: &Gateway, view: &str) -> Browser {
    Browser::signed_in(gateway, ADMIN, view).await
}

/// Adds people to a list, from elsewhere.
fn add(gateway: &Gateway, list: &str, signups: &[String]) {
    gateway.call(&json!({"method": format!("addTo{list}"), "app_id": APP, "signups": signups}));
}

/// On a phone, too, everything has a name, and the page is not wider than the screen.
async fn fits_a_phone(browser: &Browser, name: &str) {
    browser.become_phone().await;
    browser.see_true("document.documentElement.scrollWidth <= innerWidth").await;
    browser.is_accessible().await;
    browser.picture(&format!("{name}-on-a-phone")).await;
}

fn people(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("guest{number:05}@example.com")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_searched_and_sorted_and_stays_live() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    add(&gateway, "Whitelist", &["Bob@example.com", "ann@example.com", "cleo@example.org"].map(str::to_owned));
    let browser = at(&gateway, &format!("apps/{APP}/whitelist")).await;
    browser.see_all(IDS, &["Bob@example.com", "ann@example.com", "cleo@example.org"]).await;
    browser.see("th[aria-sort='ascending']", "Added").await;

    browser.click("button[aria-label='Sort by when they were added']").await;
    browser.see_all(IDS, &["cleo@example.org", "ann@example.com", "Bob@example.com"]).await;
    browser.see("th[aria-sort='descending']", "Added").await;
    browser.click("button[aria-label='Sort by sign-up id']").await;
    browser.see_all(IDS, &["ann@example.com", "Bob@example.com", "cleo@example.org"]).await;
    browser.see("th[aria-sort='ascending']", "Sign-up").await;
    browser.see("p[role='search'] output", "3 on the whitelist").await;
    browser.click("button[aria-label='Sort by sign-up id']").await;
    browser.see_all(IDS, &["cleo@example.org", "Bob@example.com", "ann@example.com"]).await;

    browser.fill("#search", "EXAMPLE.COM").await;
    browser.see_all(IDS, &["Bob@example.com", "ann@example.com"]).await;
    browser.see("p[role='search'] output", "2 match").await;
    browser.is_accessible().await;
    browser.picture("whitelist-searched").await;
    // Whoever types into a field of an entry goes on, while others change the entry.
    browser.type_into("input[aria-label='Tags of ann@example.com']", "dra").await;
    gateway.call(&json!({"method": "addToWhitelist", "app_id": APP, "signups": [{"signup_id": "ann@example.com", "tags": ["vip"]}]}));
    add(&gateway, "Whitelist", &["al@example.com".to_owned()]);
    browser.see_all(IDS, &["Bob@example.com", "ann@example.com", "al@example.com"]).await;
    browser.type_into("input[aria-label='Tags of ann@example.com']", "ft").await;
    browser.leave("input[aria-label='Tags of ann@example.com']").await;
    browser.see_value("input[aria-label='Tags of ann@example.com']", "draft").await;
    gateway.call(&json!({"method": "removeFromWhitelist", "app_id": APP, "signups": ["al@example.com"]}));
    browser.fill("#search", "EXAMPLE.COM").await;
    // Who is added by others is seen at once, and whoever is typing stays where they are.
    add(&gateway, "Whitelist", &["baz@example.com".to_owned()]);
    browser.see_all(IDS, &["Bob@example.com", "baz@example.com", "ann@example.com"]).await;
    browser.see_value("#search", "EXAMPLE.COM").await;
    browser.see_true("document.activeElement.id === 'search'").await;
    browser.fill("#search", HOSTILE).await;
    browser.see("#view .none", "Nobody matches “<img").await;
    browser.is_accessible().await;
    gateway.call(
        &json!({"method": "addToWhitelist", "app_id": APP, "signups": [{"signup_id": HOSTILE, "tags": ["vip"]}]}),
    );
    browser.see_all(IDS, &[HOSTILE]).await;
    browser.fill("#search", "VIP").await;
    browser.see("#view caption", "“VIP”").await;
    browser.see_all(IDS, &[HOSTILE]).await;
    browser.see("p[role='search'] output", "1 matches").await;
    assert!(!browser.title().await.contains("taken"));
    fits_a_phone(&browser, "whitelist").await;
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_found_list_is_turned_by_pages_there_and_back() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    add(&gateway, "Blacklist", &people(0..120));
    let browser = at(&gateway, &format!("apps/{APP}/blacklist")).await;
    let first = "#view tbody tr:first-child td:first-child";
    for searched in [false, true] {
        if searched {
            browser.fill("#search", "guest").await;
            browser.see("p[role='search'] output", "120 match").await;
            browser.click("button[aria-label='Sort by when they were added']").await;
            browser.see("th[aria-sort='descending']", "Added").await;
        }
        let at =
            |number: usize| people(if searched { 119 - number..120 - number } else { number..number + 1 }).remove(0);
        browser.see(first, &at(0)).await;
        browser.see_true("document.querySelector('[aria-label=\"Page before\"]').disabled").await;
        browser.click("button[aria-label='Page after']").await;
        browser.see(first, &at(50)).await;
        browser.click("button[aria-label='Page after']").await;
        browser.see(first, &at(100)).await;
        browser.see("nav[aria-label='Pages']", "Page 3").await;
        browser.see_true("document.querySelector('[aria-label=\"Page after\"]').disabled").await;
        browser.click("button[aria-label='Page before']").await;
        browser.see(first, &at(50)).await;
        browser.click("button[aria-label='Page before']").await;
        browser.see(first, &at(0)).await;
    }
    // Whose page is gone is shown the one before.
    browser.click("button[aria-label='Page after']").await;
    browser.see("nav[aria-label='Pages']", "Page 2").await;
    gateway.call(&json!({"method": "removeFromBlacklist", "app_id": APP, "signups": people(0..100)}));
    browser.see("nav[aria-label='Pages']", "Page 1").await;
    browser.see(first, "guest00119").await;
    browser.is_accessible().await;
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_goes_through_a_file_and_comes_back_the_same() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let browser = at(&gateway, &format!("apps/{APP}/whitelist")).await;
    let file = directory.path().join("guests.csv");
    let text = format!(
        "\u{feff}\"signup_id\",seen,tags\r\n\"{}\",x,vip; 7\r\n\r\n,none,\r\nann@example.com,,\r\nANN@example.com\r\n\"a \"\"b\"\", c\",,\r\n{}\r\n",
        HOSTILE.replace('"', "\"\""),
        "x".repeat(300),
    );
    fs::write(&file, text).expect("there is room for a file");
    browser.click("#view summary").await;
    browser.choose("#file", &file).await;
    let told = "3 sign-ups, 1 is there twice, 2 lines are wrong and left out, the first is line 4: it has no signup_id";
    browser.see("#view details output", told).await;
    browser.is_accessible().await;
    browser.picture("whitelist-import").await;
    browser.click("#view details form button:not([type])").await;
    browser.see_all(IDS, &[HOSTILE, "ANN@example.com", "a \"b\", c"]).await;
    browser.see("#view details output", "3 sign-ups are on the whitelist").await;
    browser.see_value("#view tbody input", "vip, 7").await;

    browser.keep_saved().await;
    browser.click("button[aria-label='Save the whitelist as CSV']").await;
    browser.see_true("window.saved").await;
    let saved = browser.run("return window.saved").await;
    let hostile = HOSTILE.replace('"', "\"\"");
    let whole = format!("signup_id,tags\n\"{hostile}\",vip;7\nANN@example.com,\n\"a \"\"b\"\", c\",\n");
    assert_eq!(saved.as_str(), Some(&*whole));

    // It is what the command line writes too.
    assert_eq!(gateway.export("whitelist"), whole);
    assert!(!browser.title().await.contains("taken"));
    gateway.call(&json!({"method": "addToWhitelist", "app_id": APP, "signups": [{"signup_id": "ann@example.com", "tags": ["a;b"]}]}));
    browser.click("button[aria-label='Save the whitelist as CSV']").await;
    browser.see("#problem", "The tag “a;b” of ANN@example.com has a semicolon").await;
    for wrong in ["name,tags\nann,\n", ""] {
        fs::write(directory.path().join("wrong.csv"), wrong).expect("there is room for a file");
        browser.choose("#file", &directory.path().join("wrong.csv")).await;
        browser.see("#problem", "names no column signup_id").await;
        browser.see_true("document.querySelector('#view details form button:not([type])').disabled").await;
    }
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_file_is_added_and_saved_whole_and_one_that_stops_says_where() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let browser = at(&gateway, &format!("apps/{APP}/blacklist")).await;
    let file = directory.path().join("many.csv");
    let tail = "x".repeat(200);
    let long = |number: usize| format!("guest{number:05}{tail}@example.com\n");
    let whole: String = (0..20_000).map(long).collect();
    fs::write(&file, format!("signup_id\n{whole}")).expect("there is room for a file");
    browser.click("#view summary").await;
    browser.choose("#file", &file).await;
    browser.see("#view details output", "20,000 sign-ups").await;
    browser.click("#view details form button:not([type])").await;
    browser.click("button[aria-label='Cancel: Adding from the file']").await;
    browser.see("#view details output", "stays as is when the file is added again").await;
    browser.click("#view details form button:not([type])").await;
    browser.see("#view details output", "20,000 sign-ups are on the blacklist").await;

    // A page of these comes in several frames, which are put together.
    browser.keep_saved().await;
    browser.click("button[aria-label='Save the blacklist as CSV']").await;
    browser.see_true("window.saved").await;
    let saved = browser.run("return window.saved").await;
    let mut lines: Vec<&str> =
        saved.as_str().expect("it is text").lines().skip(1).map(|line| line.trim_end_matches(',')).collect();
    lines.sort_unstable();
    assert!(lines == whole.lines().collect::<Vec<_>>(), "{} lines were saved", lines.len());
    browser.see("#view details", "20,000 sign-ups are in the file").await;

    fs::write(&file, format!("signup_id,tags\nann,vip\n\n{whole}")).expect("there is room for a file");
    browser.choose("#file", &file).await;
    browser
        .see(
            "#view details output",
            "1 line is wrong and left out, the first is line 2: people on the blacklist have no tags",
        )
        .await;
    gateway.stop();
    browser.see("#state.behind", "Behind").await;
    browser.click("#view details form button:not([type])").await;
    browser.see("#problem", "It stopped at line 4: There is no connection to the gateway now").await;
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_is_tried_as_it_is_typed_and_those_that_stand_say_whom_they_match() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    add(&gateway, "Whitelist", &["ann@example.com", "bob@example.com", "cleo@example.org"].map(str::to_owned));
    add(&gateway, "Blacklist", &["dan@example.com".to_owned()]);
    let browser = at(&gateway, &format!("apps/{APP}/patterns")).await;
    browser.fill("#pattern", "*@example.com").await;
    browser.see("#view .verdict", "Matches 2 on the whitelist and 1 on the blacklist, such as ann@example.com").await;
    browser.fill("#pattern-tried", "eve@example.org").await;
    browser.see("#view .verdict.refused", "Does not match eve@example.org").await;
    browser.fill("#pattern-tried", "eve@example.com").await;
    browser.see("#view .verdict:not(.refused) strong", "Matches").await;
    browser.is_accessible().await;
    browser.picture("pattern-tried").await;
    browser.fill("#pattern", "(").await;
    browser.click("#operator option[value='regex']").await;
    browser.see("#view .verdict.refused", "pattern").await;
    browser.click("#operator option[value='starts_with']").await;
    browser.fill("#pattern", "CLEO").await;
    browser.see("#view .verdict", "Matches 1 on the whitelist and 0 on the blacklist, such as cleo@example.org").await;
    browser.click("#view form button").await;
    let counts = "#view tbody td:nth-child(2)";
    browser.see_all(counts, &["1 whitelisted"]).await;
    gateway.call(&json!({"method": "addBlacklistPatterns", "app_id": APP, "patterns": ["*@example.com", "nobody@.*"]}));
    browser.see_all(counts, &["1 whitelisted", "2 whitelisted, 1 blacklisted", "nobody"]).await;
    add(&gateway, "Blacklist", &["nobody@example.com".to_owned()]);
    browser.see_all(counts, &["1 whitelisted", "2 whitelisted, 2 blacklisted", "1 blacklisted"]).await;
    browser.is_accessible().await;
    browser.picture("patterns").await;
    fits_a_phone(&browser, "patterns").await;
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_is_seen_to_be_connected_and_is_disconnected_copied_and_removed() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let browser = at(&gateway, "bots").await;
    browser.see("#view tbody tr:nth-child(1) td:nth-child(2)", "this page").await;
    browser.see("#view tbody tr:nth-child(2) td:nth-child(2)", "no").await;
    let connect = format!(
        "window.bot = new WebSocket('ws://{}/nandbox/api/');
         bot.onopen = () => bot.send(JSON.stringify({{ method: 'TOKEN_AUTH', token: '{BOT}', rem: true }}));
         bot.onclose = () => {{ window.isOver = true; }};",
        gateway.address
    );
    browser.run(&connect).await;
    browser.see("#view tbody tr:nth-child(2) td:nth-child(2)", "from 127.0.0.1").await;
    browser.is_accessible().await;
    browser.picture("bots").await;
    browser.click("button[aria-label='Disconnect Demo bot']").await;
    browser.see("#view", "1 connection of Demo bot ended").await;
    browser.see_true("window.isOver").await;
    browser.see("#view tbody tr:nth-child(2) td:nth-child(2)", "no").await;

    browser.click("button[aria-label='New token for Demo bot']").await;
    browser.click("button[aria-label='Copy the token of Demo bot']").await;
    browser.see(".secret", "copied").await;
    browser.is_accessible().await;
    browser.picture("bots-token").await;
    fits_a_phone(&browser, "bots").await;
    // Whoever thinks better of it removes nobody.
    browser.click("button[aria-label='Remove Demo bot']").await;
    browser.see("button[aria-label='Really remove Demo bot?']", "Really remove?").await;
    browser.leave("button[aria-label='Really remove Demo bot?']").await;
    browser.see("button[aria-label='Remove Demo bot']", "Remove").await;
    browser.click("button[aria-label='Remove Demo bot']").await;
    browser.click("button[aria-label='Really remove Demo bot?']").await;
    browser.see_no("button[aria-label$='emove Demo bot?'], button[aria-label$='emove Demo bot']").await;
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_is_read_as_its_standard_has_it() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let browser = at(&gateway, "bots").await;
    let cases = json!([
        ["", []],
        ["\n\r\n", []],
        ["a", [[1, ["a"]]]],
        ["a,", [[1, ["a", ""]]]],
        ["\r\n a , b\r\nc", [[2, ["a", "b"]], [3, ["c"]]]],
        ["\"a \"\"q\"\" b\",x\n\"1\n2\",y\nz", [[1, ["a \"q\" b", "x"]], [2, ["1\n2", "y"]], [4, ["z"]]]],
        ["a\"b,c\"d\n\"e\"f", [[1, ["a\"b", "c\"d"]], [2, ["ef"]]]],
        ["\"never\nclosed", [[1, ["never\nclosed"]]]],
        ["\"\"\n,", [[1, [""]], [2, ["", ""]]]],
    ]);
    let read = format!(
        "import('/dashboard/csv.js').then(({{ records }}) => {{
            const read = (text) => [...records(text)].map(({{ line, cells }}) => [line, cells]);
            window.read = {cases}.map(([text]) => [text, read(text)]);
        }});"
    );
    browser.run(&read).await;
    browser.see_true("window.read").await;
    assert_eq!(browser.run("return window.read").await, cases);
    browser.end().await;
    gateway.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_changes_a_thousand_times_a_second_is_asked_for_a_few_times() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), ANYWHERE);
    let browser = at(&gateway, &format!("apps/{APP}/whitelist")).await;
    browser.see("#view .none", "Nobody is on it yet").await;
    let storm = format!(
        "const real = WebSocket.prototype.send;
         [window.asked, window.answered] = [0, 0];
         const begun = performance.now();
         WebSocket.prototype.send = function (data) {{
             if (data.includes('getWhitelistUsers')) window.asked += 1;
             return real.call(this, data);
         }};
         const bot = new WebSocket('ws://{}/nandbox/api/');
         bot.onopen = () => bot.send(JSON.stringify({{ method: 'TOKEN_AUTH', token: '{BOT}', rem: true }}));
         let sent = 0;
         const send = () => {{
             for (let some = 0; some < 20; some += 1) {{
                 bot.send(JSON.stringify({{ method: 'addToWhitelist', app_id: '{APP}', signups: [`guest${{sent}}`] }}));
                 sent += 1;
             }}
             if (sent < 2000) setTimeout(send, 20);
         }};
         bot.onmessage = ({{ data }}) => {{
             if (data.includes('TOKEN_AUTH_OK')) send();
             if (data.includes('addToWhitelist_ack')) window.answered += 1;
             if (window.answered === 2000) window.took = performance.now() - begun;
         }};",
        gateway.address
    );
    browser.run(&storm).await;
    // Whoever turns the page meanwhile, turns it.
    browser.see_true("!document.querySelector('[aria-label=\"Page after\"]').disabled").await;
    browser.click("button[aria-label='Page after']").await;
    browser.see("nav[aria-label='Pages']", "Page 2").await;
    browser.see_true("window.took").await;
    browser.see("#view tbody tr:nth-child(50)", "guest99").await;
    let asked = browser.run("return window.asked - window.took / 250").await;
    assert!(asked.as_f64().is_some_and(|asked| asked < 6.0), "{asked} times more than every quarter of a second");
    browser.end().await;
    gateway.stop();
}
