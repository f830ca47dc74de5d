//! How quick the page is: when it is first painted and how much of it there is, how long a list of a million takes to show what was
//! asked for, and whether it keeps up with a thousand changes a second. `tests/browser/measure` runs it.

use guestlist_browser_tests::{ADMIN, APP, BOT, Browser, Gateway, directory};
use serde_json::{Value, json};

/// People on the long list.
const PEOPLE: usize = 1_000_000;

/// How often each thing is done.
const TIMES: usize = 9;

/// Changes a second, for how long, and how long a frame may take for nobody to notice.
const RATE: usize = 1_000;
const SECONDS: usize = 30;
const NOTICED_MS: f64 = 100.0;

/// When the page was first painted, and the bytes that were sent for it.
const PAINTED: &str = r"
    const paint = performance.getEntriesByName('first-contentful-paint')[0];
    const all = [performance.getEntriesByType('navigation')[0], ...performance.getEntriesByType('resource')];
    const bytes = (name) => all.reduce((sum, entry) => sum + entry[name], 0);
    return [paint.startTime, bytes('encodedBodySize'), bytes('decodedBodySize'), all.length];
";

/// Notes how long each frame takes from now on.
const NOTE_FRAMES: &str = r"
    window.frames_ms = [];
    let last = performance.now();
    const note = (now) => {
        window.frames_ms.push(now - last);
        last = now;
        requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
";

/// A script that does something and gives the milliseconds until the list shows something else and that is painted.
fn timed(act: &str) -> String {
    format!(
        r"
        const list = document.querySelector('#view .wide');
        const shown = () => list.textContent + document.querySelector('#view caption').textContent;
        const before = shown();
        return new Promise((done, failed) => {{
            const begun = performance.now();
            setTimeout(() => failed(new Error('nothing else is shown')), 5000);
            const look = () => {{
                if (shown() === before) requestAnimationFrame(look);
                else requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun)));
            }};
            {act}
            look();
        }});"
    )
}

fn click(css: &str) -> String {
    timed(&format!("document.querySelector({}).click();", json!(css)))
}

fn typed(text: &str) -> String {
    timed(&format!(
        "const field = document.querySelector('#search'); field.value = {}; field.dispatchEvent(new Event('input'));",
        json!(text)
    ))
}

/// The least, the median and the most of what was measured.
fn told(what: &str, unit: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let [least, median, most] = [values[0], values[values.len() / 2], values[values.len() - 1]];
    println!("{what:<58} {median:8.1} {unit} ({least:.1} to {most:.1}, {} times)", values.len());
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

async fn paint(gateway: &Gateway) {
    let url = format!("http://{}/", gateway.address);
    let (mut cold, mut bytes) = (Vec::new(), Value::Null);
    for _ in 0..TIMES {
        let browser = Browser::start().await;
        browser.open(&url).await;
        browser.see("#sign-in", "A bot's token").await;
        let painted = browser.run(PAINTED).await;
        cold.push(number(&painted[0]));
        bytes = painted;
        browser.end().await;
    }
    told("first paint, a browser that was never here", "ms", cold);
    let browser = Browser::signed_in(gateway, ADMIN, "").await;
    let mut warm = Vec::new();
    for _ in 0..TIMES {
        browser.open(&url).await;
        browser.see("#view table", "Demo app").await;
        warm.push(number(&browser.run(PAINTED).await[0]));
    }
    browser.end().await;
    told("first paint, signed in", "ms", warm);
    println!("the page: {} files, {} bytes compressed, {} plain", bytes[3], bytes[1], bytes[2]);
}

async fn long_list(gateway: &Gateway) {
    gateway.load(BOT, &["--mix", "addToWhitelist=1", "--ids", &PEOPLE.to_string(), "--count", &PEOPLE.to_string()]);
    let browser = Browser::signed_in(gateway, ADMIN, "").await;
    browser.open(&format!("http://{}/#/apps/{APP}/whitelist", gateway.address)).await;
    browser.see("#view caption", "page 1").await;
    let after = "#view nav[aria-label='Pages'] button[aria-label='Page after']";
    let mut pages = Vec::new();
    for _ in 0..TIMES {
        pages.push(number(&browser.run(&click(after)).await));
    }
    told("a million: the next page", "ms", pages);
    let (mut found, mut none) = (Vec::new(), Vec::new());
    for turn in 0..TIMES {
        found.push(number(&browser.run(&typed(&format!("{}", 77 + turn))).await));
        none.push(number(&browser.run(&typed(&format!("nobody{turn}"))).await));
    }
    told("a million: typing what many have, until it is shown", "ms", found);
    told("a million: typing what nobody has, until that is said", "ms", none);
    browser.run(&typed("")).await;
    let (mut sorted, mut sorted_pages) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        sorted.push(number(&browser.run(&click("#view th button")).await));
        sorted_pages.push(number(&browser.run(&click(after)).await));
    }
    told("a million: sorting by sign-up id, or the other way round", "ms", sorted);
    told("a million: the next page of that", "ms", sorted_pages);
    browser.picture("a-million").await;
    browser.end().await;
}

/// Whether so many people are shown on the whitelist of the demo app, among all apps.
fn shows_people(count: u64) -> String {
    let cell = "[...document.querySelectorAll('#view tbody tr')].find((row) => row.textContent.includes('Demo app'))?.cells[2].textContent";
    format!("{cell}.includes(` ${{({count}).toLocaleString()}} people`)")
}

/// Whether the first change that is shown is this one.
fn shows_change(seq: u64) -> String {
    format!("document.querySelector('#view tbody tr')?.cells[5].textContent === '{seq}'")
}

/// How many changes are shown; they are the last ones, each once.
async fn shown(browser: &Browser, last: u64) -> usize {
    let seqs = browser
        .run("return [...document.querySelectorAll('#view tbody tr')].map((row) => Number(row.cells[5].textContent))")
        .await;
    let seqs: Vec<u64> = seqs.as_array().expect("they are listed").iter().filter_map(Value::as_u64).collect();
    assert!(seqs.iter().copied().eq((0..=last).rev().take(seqs.len())), "{seqs:?}");
    seqs.len()
}

async fn busy(gateway: &Gateway) {
    let list = format!("apps/{APP}/whitelist");
    let views = [("apps", "all apps"), (&*list, "the list"), ("changes", "changes"), ("live", "live traffic")];
    for (path, what) in views {
        let browser = Browser::signed_in(gateway, ADMIN, "").await;
        browser.open(&format!("http://{}/#/{path}", gateway.address)).await;
        browser.see("#view", "").await;
        browser.run(NOTE_FRAMES).await;
        let (rate, seconds) = (RATE.to_string(), format!("{SECONDS}s"));
        let arguments = ["--mix", "addToWhitelist=1", "--connections", "10", "--rate", &rate, "--duration", &seconds];
        gateway.load(BOT, &arguments);
        let (made, last) = (gateway.count(APP), gateway.last_change());
        match path {
            "apps" => browser.see_true(&shows_people(made)).await,
            "changes" => browser.see_true(&shows_change(last)).await,
            _ => {}
        }
        let frames = browser.run("return window.frames_ms").await;
        let mut frames: Vec<f64> = frames.as_array().expect("they are listed").iter().map(number).collect();
        let noticed = frames.iter().filter(|ms| **ms > NOTICED_MS).count();
        frames.sort_by(f64::total_cmp);
        let at = |share: f64| frames[((frames.len() - 1) as f64 * share) as usize];
        println!(
            "{RATE} changes a second for {SECONDS} s beside {what}: {} frames, median {:.1} ms, p99 {:.1} ms, at most {:.1} ms, {noticed} over {NOTICED_MS} ms",
            frames.len(),
            at(0.5),
            at(0.99),
            at(1.0)
        );
        match path {
            "apps" => println!("  it shows the {made} people that there are"),
            "changes" => println!(
                "  it shows the latest {} changes up to the last, {last}, without a gap",
                shown(&browser, last).await
            ),
            _ => {}
        }
        browser.picture(&format!("busy-{}", path.replace('/', "-"))).await;
        browser.end().await;
    }
}

#[tokio::main]
async fn main() {
    let directory = directory();
    let gateway = Gateway::start(directory.path(), "127.0.0.1:0");
    paint(&gateway).await;
    busy(&gateway).await;
    long_list(&gateway).await;
    gateway.stop();
}
