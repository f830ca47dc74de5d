//! This is where tests get a browser.

mod device;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use thirtyfour::prelude::*;

use crate::Gateway;

/// More than anything may take to be seen, so that what is missing fails its test.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// What Chromium is told: no window, no sandbox, which root may not have, and no calls to anybody.
const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1000,800",
];

/// Finds what is in the way of whoever does not see the page, or has no mouse; and pictures and scripts.
const FAULTS: &str = include_str!("browser/accessible.js");

/// How often it is tried to start what drives a browser: of a free port it needs the same one twice, of IPv4 and of IPv6, and
/// ends where somebody else was quicker.
const STARTS_MAX: usize = 10;

/// Starts what drives a browser, and says on which port it listens; nothing where that was taken meanwhile.
fn start() -> Option<(Child, u16)> {
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut chromedriver = command.spawn().expect("chromedriver is there: tests/run installs it");
    let lines = BufReader::new(chromedriver.stdout.take().expect("the output is a pipe")).lines();
    let mut ports = lines.map_while(Result::ok).filter_map(|line| {
        line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse::<u16>().ok()
    });
    let Some(port) = ports.next() else {
        chromedriver.kill().and_then(|()| chromedriver.wait()).ok();
        return None;
    };
    // Whoever does not read what it says later holds it up.
    std::thread::spawn(move || ports.count());
    Some((chromedriver, port))
}

/// A browser of its own, and what drives it.
pub struct Browser {
    driver: WebDriver,
    chromedriver: Child,
    _home: TempDir,
}

impl Browser {
    /// Starts one.
    pub async fn start() -> Self {
        let home = TempDir::new().expect("there is room for a directory");
        let (chromedriver, port) = (0..STARTS_MAX).find_map(|_| start()).expect("chromedriver says where it listens");
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in ARGUMENTS {
            capabilities.add_arg(argument).expect("an argument is a text");
        }
        let data = format!("--user-data-dir={}", home.path().display());
        capabilities.add_arg(&data).expect("an argument is a text");
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities).await.expect("Chromium starts");
        Self { driver, chromedriver, _home: home }
    }

    /// Starts one on the page of a gateway, signed in with a token, at one of its views.
    pub async fn signed_in(gateway: &Gateway, token: &str, view: &str) -> Self {
        let browser = Self::start().await;
        browser.open(&format!("http://{}/#/{view}", gateway.address)).await;
        browser.fill("#token", token).await;
        browser.click("#sign-in button").await;
        browser.see("#who", "Signed in as").await;
        browser
    }

    /// Ends it.
    pub async fn end(self) {
        self.driver.clone().quit().await.expect("Chromium ends");
    }

    /// Goes to an address.
    pub async fn open(&self, url: &str) {
        self.driver.goto(url).await.expect("the page is there");
    }

    /// The title of the page.
    pub async fn title(&self) -> String {
        self.driver.title().await.expect("a page has a title")
    }

    /// Waits until something shows a text.
    pub async fn see(&self, css: &str, text: &str) {
        self.until(&format!("{css} shows {text:?}"), async || {
            let shown = self.driver.find(By::Css(css)).await?.text().await?;
            // What is typed looks as it was typed, whatever case it is compared in.
            Ok(shown.to_lowercase().contains(&text.to_lowercase()))
        })
        .await;
    }

    /// Waits until something is gone.
    pub async fn see_no(&self, css: &str) {
        self.until(&format!("{css} is gone"), async || Ok(self.driver.find_all(By::Css(css)).await?.is_empty())).await;
    }

    /// Waits until a field holds a text.
    pub async fn see_value(&self, css: &str, value: &str) {
        self.until(&format!("{css} holds {value:?}"), async || {
            Ok(self.driver.find(By::Css(css)).await?.prop("value").await?.as_deref() == Some(value))
        })
        .await;
    }

    /// Waits until a field holds a text among others.
    pub async fn see_value_with(&self, css: &str, part: &str) {
        self.until(&format!("{css} holds {part:?}"), async || {
            let value = self.driver.find(By::Css(css)).await?.prop("value").await?;
            Ok(value.is_some_and(|value| value.contains(part)))
        })
        .await;
    }

    /// Waits until a switch is off.
    pub async fn see_unchecked(&self, css: &str) {
        self.until(&format!("{css} is off"), async || Ok(!self.driver.find(By::Css(css)).await?.is_selected().await?))
            .await;
    }

    /// Types a text into a field, in place of what it holds.
    pub async fn fill(&self, css: &str, text: &str) {
        self.until(&format!("{css} takes a text"), async || {
            let field = self.driver.find(By::Css(css)).await?;
            field.clear().await?;
            field.send_keys(text).await?;
            Ok(true)
        })
        .await;
    }

    /// Waits until all that there are of something show these texts, in this order.
    pub async fn see_all(&self, css: &str, texts: &[&str]) {
        self.until(&format!("all {css} show {texts:?}"), async || {
            let mut shown = Vec::new();
            for element in self.driver.find_all(By::Css(css)).await? {
                shown.push(element.text().await?);
            }
            Ok(shown == texts)
        })
        .await;
    }

    /// Waits until an expression of the page is true.
    pub async fn see_true(&self, expression: &str) {
        self.until(expression, async || {
            let found = self.driver.execute(format!("return Boolean({expression})"), Vec::new()).await?;
            found.convert()
        })
        .await;
    }

    /// Runs a script in the page, and gives what it returns.
    pub async fn run(&self, script: &str) -> Value {
        let ran = self.driver.execute(script, Vec::new()).await;
        ran.unwrap_or_else(|error| panic!("{script}: {error}")).json().clone()
    }

    /// Has the text of what is saved from now on kept on the page, as `window.saved`.
    pub async fn keep_saved(&self) {
        self.run(
            "const real = URL.createObjectURL.bind(URL);
             URL.createObjectURL = (blob) => {
                 blob.text().then((text) => { window.saved = text; });
                 return real(blob);
             };",
        )
        .await;
    }

    /// Chooses a file.
    pub async fn choose(&self, css: &str, path: &Path) {
        let field = self.driver.find(By::Css(css)).await.expect("the field is there");
        field.send_keys(path.to_str().expect("a path is text")).await.expect("there is such a file");
    }

    /// Types a text behind what a field holds.
    pub async fn type_into(&self, css: &str, text: &str) {
        let field = self.driver.find(By::Css(css)).await.expect("the field is there");
        field.send_keys(text).await.expect("it takes a text");
    }

    /// Goes on to the next field.
    pub async fn leave(&self, css: &str) {
        let field = self.driver.find(By::Css(css)).await.expect("the field is there");
        field.send_keys("" + Key::Tab).await.expect("there is a next field");
    }

    /// Presses something, once it is there.
    pub async fn click(&self, css: &str) {
        self.until(&format!("{css} can be pressed"), async || {
            self.driver.find(By::Css(css)).await?.click().await?;
            Ok(true)
        })
        .await;
    }

    /// Whether everything has a name, and nothing is there that should not be.
    pub async fn is_accessible(&self) {
        let found = self.driver.execute(FAULTS, Vec::new()).await.expect("the page can be asked");
        let found: Vec<String> = found.convert().expect("they are texts");
        assert!(found.is_empty(), "{found:#?}");
    }

    /// Keeps what it shows.
    pub async fn picture(&self, name: &str) {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/screenshots");
        std::fs::create_dir_all(&directory).expect("there is room for a directory");
        let path = directory.join(format!("{name}.png"));
        self.driver.screenshot(&path).await.expect("what is shown can be kept");
    }

    /// Tries until something is so; what is not there yet, or was replaced meanwhile, is tried again.
    async fn until(&self, what: &str, is_so: impl AsyncFn() -> WebDriverResult<bool>) {
        let tried = tokio::time::timeout(PATIENCE, async {
            // A browser tells nobody that it shows something else now.
            while !is_so().await.unwrap_or(false) {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        });
        if tried.await.is_err() {
            self.picture("failed").await;
            let shown = self.driver.find(By::Css("body")).await.expect("there is a page").text().await;
            panic!("{what}: not within {PATIENCE:?}; it shows:\n{}", shown.unwrap_or_default());
        }
    }
}

/// However a test ends, what drives its browser ends with it.
impl Drop for Browser {
    fn drop(&mut self) {
        self.chromedriver.kill().and_then(|()| self.chromedriver.wait()).ok();
    }
}
