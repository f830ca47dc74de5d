//! This is where it is known what a gateway tells, for queries to be held against it.

use std::collections::{BTreeMap, BTreeSet};

use guestlist::wire::error::Code;
use regex::Regex;
use tempfile::TempDir;

use super::support::http::Http;
use super::support::{ADMIN, BOT, Client, gateway};

/// What whoever scrapes adds to every number.
const SCRAPED: [&str; 2] = ["instance", "job"];

/// Every number of a gateway: its name, and the values of its labels.
pub struct Told {
    samples: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
    families: BTreeSet<String>,
}

impl Told {
    /// What one tells that has just been started, once somebody has signed in: requests are told from the first of a kind on.
    pub async fn by_a_gateway() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let gateway = gateway(directory.path()).await;
        let bot = Client::sign_in(&gateway.url(), BOT).await;
        let text = Http::of(&gateway).get("/metrics").bearer(ADMIN).send().await.expect(200).text();
        drop(bot);
        gateway.stop().await;
        let told = Self::read(&text);
        assert!(told.families.len() > 10, "{text}");
        told
    }

    fn read(text: &str) -> Self {
        let mut told = Self { samples: BTreeMap::new(), families: BTreeSet::new() };
        let label = pattern(r#"([a-z_]+)="([^"]*)""#);
        for line in text.lines() {
            if let Some(family) = line.strip_prefix("# TYPE ") {
                told.families.insert(family.split(' ').next().unwrap_or_default().to_owned());
            } else if !line.starts_with('#') {
                let (name, rest) = line.split_at(line.find(['{', ' ']).expect("a number comes after its name"));
                let labels = told.samples.entry(name.to_owned()).or_default();
                for (_, [name, value]) in label.captures_iter(rest).map(|found| found.extract()) {
                    labels.entry(name.to_owned()).or_default().insert(value.to_owned());
                }
            }
        }
        told
    }

    /// The names of all, as they are before the endings that counters and histograms have.
    pub fn families(&self) -> impl Iterator<Item = &str> {
        self.families.iter().map(String::as_str)
    }

    /// Whether a query asks for nothing but what is told, by labels that it has.
    pub fn check(&self, query: &str) -> Result<(), String> {
        let mut asked = Vec::new();
        for (_, [name, labels]) in
            pattern(r"\b(guestlist_[a-z_]+)((?:\{[^}]*\})?)").captures_iter(query).map(|found| found.extract())
        {
            let known = self.samples.get(name).ok_or_else(|| format!("no gateway tells {name}: {query}"))?;
            for (_, [label, how, value]) in
                pattern(r#"([a-z_]+)(=~|!~|!=|=)"([^"]*)""#).captures_iter(labels).map(|found| found.extract())
            {
                let values = known.get(label);
                let is_known = SCRAPED.contains(&label)
                    || values.is_some_and(|values| {
                        how.ends_with('~') || values.contains(value) || is_code(name, label, value)
                    });
                if !is_known {
                    return Err(format!("{name} has no {label}{how}{value}: {query}"));
                }
            }
            asked.push(known);
        }
        let is_up = query.starts_with("up{");
        if asked.is_empty() && !is_up {
            return Err(format!("nothing is asked for: {query}"));
        }
        for (_, [labels]) in pattern(r"\bby \(([^)]*)\)").captures_iter(query).map(|found| found.extract()) {
            let strange = labels
                .split(", ")
                .find(|label| !SCRAPED.contains(label) && asked.iter().any(|known| !known.contains_key(*label)));
            if let Some(label) = strange {
                return Err(format!("not everything has a label {label}: {query}"));
            }
        }
        Ok(())
    }
}

/// Whether it is a code that some request may be refused with.
fn is_code(name: &str, label: &str, value: &str) -> bool {
    (name, label) == ("guestlist_requests_total", "code")
        && Code::ALL.iter().any(|code| code.number().to_string() == value)
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("it is an expression")
}
