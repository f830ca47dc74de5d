//! What a first start tells whoever made it: where everything is, how to get in, and what to try.

use std::fmt;
use std::path::PathBuf;

use guestlist::config::ENDPOINT;
use guestlist::methods::NewToken;
use guestlist::testing::demo;

use crate::cli::talk::URL_DEFAULT;

/// What is told.
#[derive(Debug)]
pub struct Welcome {
    /// Where the data lie.
    pub data: PathBuf,
    /// Where bots connect.
    pub url: String,
    /// Tokens that were made, which nobody will be told again.
    pub tokens: Vec<NewToken>,
    /// Whether it is told to a terminal. Elsewhere it may be kept, as a log is, and tokens are left out.
    pub to_terminal: bool,
    /// Whether it began with the demo data.
    pub demo: bool,
    /// Whether the administrator's token came from outside.
    pub token_given: bool,
    /// What signs a browser in, once.
    pub setup_link: Option<String>,
    /// The certificate that clients have to be told to trust, where it is one of our own.
    pub ca: Option<PathBuf>,
}

impl Welcome {
    /// What to put before a command, for it to reach this gateway and to be let in.
    fn exports(&self) -> String {
        let url = (self.url != URL_DEFAULT).then(|| format!("GUESTLIST_URL={} ", self.url));
        let ca = self.ca.as_ref().map(|ca| format!("GUESTLIST_CA='{}' ", ca.display()));
        let token = match self.tokens.first() {
            None if !self.demo => "…   # one that you gave",
            Some(new) if self.to_terminal => &new.token,
            None if self.to_terminal => demo::BOT,
            _ => "…",
        };
        format!("export {}{}GUESTLIST_TOKEN={token}", url.unwrap_or_default(), ca.unwrap_or_default())
    }
}

impl fmt::Display for Welcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let http = self.url.trim_end_matches(ENDPOINT).replacen("ws", "http", 1);
        writeln!(f, "\nThis is a first start. Everything that changes from now on is kept.\n")?;
        writeln!(f, "  data      {}", self.data.display())?;
        writeln!(f, "  bots      {}", self.url)?;
        writeln!(f, "  the API   {http}/docs")?;
        match &self.setup_link {
            Some(link) if self.to_terminal => {
                writeln!(f, "  the page  {link}   # signs you in, once, within half an hour\n")?
            }
            _ => writeln!(f, "  the page  {http}/   # `guestlist admin link` prints what signs you in\n")?,
        }
        if self.demo && self.to_terminal {
            writeln!(f, "Tokens of the demo data, which everybody knows:\n")?;
            let administrator = if self.token_given { "the token that you gave" } else { demo::ADMIN };
            writeln!(f, "  a bot              {}\n  the administrator  {administrator}\n", demo::BOT)?;
        }
        writeln!(f, "Try it, in another terminal:\n\n  {}", self.exports())?;
        if self.demo {
            let app = demo::APP;
            let add = format!(r#"{{"method":"addToWhitelist","app_id":"{app}","signups":["name@example.com"]}}"#);
            writeln!(f, "  guestlist call '{add}'")?;
            return writeln!(f, "  guestlist snippet python --app {app}   # prints a bot\n");
        }
        writeln!(f, "  guestlist admin app add 'My app'")?;
        writeln!(f, "  guestlist snippet python   # prints a bot; `guestlist admin bot add` makes its token\n")
    }
}
