//! How a frame becomes a line: secrets become names, and what cannot be the same twice becomes a kind of value.
//!
//! Everything else stays byte for byte as it passed.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use super::super::exchange::Way;
use super::super::json::{Json, quoted};
use super::super::placeholder::Placeholder;
use super::leaves::{Leaf, Leaves};
use super::names::{Kind, Names};
use super::{Rules, secrets};

/// How far from the time of the recording a moment may be to count as part of it: what a machine's clock may be off.
const RECENT_MS: i64 = 5 * 60 * 1_000;

/// The first number that is taken for a point in time where its key says so: seconds since 1970, in 2001.
const SECONDS_MIN: i64 = 1_000_000_000;

const UUID: &str = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";
static UUID_WITHIN: LazyLock<Regex> = LazyLock::new(|| Regex::new(UUID).expect("the expression is well formed"));

/// When a recording began and what time it is, in milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) began_ms: i64,
    pub(super) now_ms: i64,
}

impl Clock {
    /// Whether a moment is one of the recording, and would be another one in a replay.
    fn is_recent(self, ms: i64) -> bool {
        (self.began_ms.saturating_sub(RECENT_MS)..=self.now_ms.saturating_add(RECENT_MS)).contains(&ms)
    }
}

/// A JSON value as a recording has it.
#[derive(Debug, Default)]
pub(super) struct Redacted {
    /// Its text, on one line.
    pub(super) text: String,
    /// Names of secrets that must be given on lines of their own before.
    pub(super) needs: Vec<String>,
    /// What is bound once the line is written.
    pub(super) binds: Vec<(Kind, String)>,
    /// Whether something was left out: a secret, or what is ignored.
    pub(super) hides: bool,
    /// Whether it holds names that are filled when it is sent.
    pub(super) has_names: bool,
}

/// Why a value cannot be written so that it is of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is not JSON, or nested too deep.
    NotJson,
    /// A key of it holds a secret, and a key cannot be a name.
    SecretKey,
    /// A key of it stands twice, so that it cannot be expected.
    Repeats,
}

/// Writes a JSON value that travelled.
pub(super) fn json(text: &str, way: Way, clock: Clock, rules: &Rules, names: &mut Names) -> Result<Redacted, Unfit> {
    let ignored = if way == Way::Received { rules.ignored(text) } else { BTreeSet::new() };
    let Leaves { leaves, keys, repeats } = Leaves::of(text, &ignored).ok_or(Unfit::NotJson)?;
    learn(&leaves, way, rules, names);
    // A key of the list is no secret, even if it is somebody's password.
    let mut telling = keys.iter().filter(|key| secrets::stem(key, None).is_none());
    if telling.any(|key| names.is_secret(&quoted(key)) || names.holds_secret(key)) {
        return Err(Unfit::SecretKey);
    }
    if repeats && way == Way::Received {
        return Err(Unfit::Repeats);
    }
    let mut redacted = Redacted { text: String::with_capacity(text.len()), ..Redacted::default() };
    let mut copied = 0;
    for leaf in leaves.iter().filter(|leaf| !leaf.is_hidden) {
        let replaced = match way {
            _ if leaf.is_ignored => {
                // There may be secrets in it, which nobody else looks for.
                redacted.hides = true;
                Some("\"<any>\"".to_owned())
            }
            Way::Sent => sent(leaf, names, &mut redacted),
            Way::Received => received(leaf, clock, rules, names, &mut redacted),
        };
        if let Some(replaced) = replaced.or_else(|| literal(leaf)) {
            redacted.text.push_str(&text[copied..leaf.at]);
            redacted.text.push_str(&replaced);
            copied = leaf.at + leaf.raw.len();
        }
    }
    redacted.text.push_str(&text[copied..]);
    // Between the parts of JSON a line break means no more than a space does.
    if redacted.text.contains(['\n', '\r']) {
        redacted.text = redacted.text.replace(['\n', '\r'], " ");
    }
    Ok(redacted)
}

/// Whether a text that is not to be read as JSON may hold a secret.
pub(super) fn may_hold_secret(text: &str, names: &Names) -> bool {
    let decoded = form_urlencoded::parse(text.as_bytes()).any(|(name, value)| {
        [name, value].iter().any(|part| names.holds_secret(part) || names.is_secret(&quoted(part)))
    });
    decoded || names.holds_secret(text) || secrets::may_hold(text) || secrets::may_hold(&unescaped(text))
}

/// All ids in a text.
pub(super) fn ids_in(text: &str) -> impl Iterator<Item = &str> {
    let long_enough = text.len() >= 36;
    long_enough.then(|| UUID_WITHIN.find_iter(text).map(|found| found.as_str())).into_iter().flatten()
}

/// The moment that an RFC 3339 text names.
fn moment(text: &str) -> Option<Timestamp> {
    let is_time = super::super::placeholder::Kind::Time.accepts(&Json::String(text.to_owned()));
    is_time.then(|| text.parse().ok()).flatten()
}

/// Remembers what is secret, and which ids and times came from whom, before anything is written: a secret may stand before
/// the key that gives it away.
fn learn(leaves: &[Leaf<'_>], way: Way, rules: &Rules, names: &mut Names) {
    for leaf in leaves {
        if let Some(stem) = leaf.stem.filter(|_| !rules.keep_secrets)
            && leaf.plain.as_deref() != Some("")
            && (way == Way::Sent || !leaf.is_doubtful())
        {
            names.keep_secret(stem, &leaf.text(), leaf.plain.as_deref().unwrap_or(leaf.raw));
        }
        if way == Way::Sent
            && !rules.keep_secrets
            && let Some(plain) = leaf.plain.as_deref().filter(|plain| secrets::is_within(plain))
        {
            learn_within(plain, names);
            names.keep_secret("secret", &leaf.text(), plain);
        }
        // A reference comes back whatever it is, and each request has its own: they would be too many to remember.
        let Some(plain) = leaf.plain.as_ref().filter(|_| !leaf.is_reference) else { continue };
        match way {
            Way::Sent => {
                ids_in(plain).for_each(|id| names.give(id));
                if moment(plain).is_some() {
                    names.give(plain);
                }
            }
            Way::Received if rules.exact => {}
            Way::Received => {
                for id in ids_in(plain).filter(|id| id.len() == plain.len()) {
                    if !names.is_given(id) {
                        names.keep_id(id);
                    }
                }
            }
        }
    }
}

/// Remembers the secrets inside a text that is sent, so that they are found where they stand alone.
pub(super) fn learn_within(text: &str, names: &mut Names) {
    for (stem, value) in secrets::within(text) {
        names.keep_secret(stem, &quoted(value), value);
    }
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        if let Some(stem) = secrets::stem(&name, None).filter(|_| secrets::is_random(&value)) {
            names.keep_secret(stem, &quoted(&value), &value);
        }
    }
}

fn sent(leaf: &Leaf<'_>, names: &mut Names, redacted: &mut Redacted) -> Option<String> {
    let text = leaf.text();
    let plain = leaf.plain.as_deref().unwrap_or(leaf.raw);
    if !names.is_secret(&text) && names.holds_secret(plain) {
        // Around a secret there may be more of it, and a name stands for a whole text only.
        names.keep_secret("secret", &text, plain);
    }
    if names.is_secret(&text) {
        (redacted.hides, redacted.has_names) = (true, true);
        return Some(quoted_name(&given(&text, names, redacted)));
    }
    if names.is_id(plain)
        && let (name, true) = names.name(Kind::Id, plain)
    {
        redacted.has_names = true;
        return Some(quoted_name(&name));
    }
    None
}

/// The name of a secret in something that is sent; where nothing binds it, it must be given from outside.
pub(super) fn given(text: &str, names: &mut Names, redacted: &mut Redacted) -> String {
    let (name, is_bound) = names.name(Kind::Secret, text);
    if !is_bound && !redacted.needs.contains(&name) {
        redacted.needs.push(name.clone());
        redacted.binds.push((Kind::Secret, text.to_owned()));
    }
    name
}

fn received(
    leaf: &Leaf<'_>,
    clock: Clock,
    rules: &Rules,
    names: &mut Names,
    redacted: &mut Redacted,
) -> Option<String> {
    let text = leaf.text();
    let (kind, plain) = match &leaf.plain {
        Some(plain) => ("string", plain.as_str()),
        None => ("number", leaf.raw),
    };
    if names.is_secret(&text) {
        redacted.hides = true;
        return Some(bind(Kind::Secret, kind, &text, names, redacted));
    }
    let is_hidden = !plain.is_empty() && leaf.stem.is_some() && leaf.is_doubtful();
    if names.holds_secret(plain) || (!rules.keep_secrets && (is_hidden || secrets::is_within(plain))) {
        redacted.hides = true;
        return Some(format!("\"<{kind}>\""));
    }
    if rules.exact {
        return None;
    }
    if names.is_id(plain) {
        return Some(bind(Kind::Id, "uuid", plain, names, redacted));
    }
    if leaf.is_reference {
        return None;
    }
    if leaf.plain.is_none() {
        let ms: i64 = leaf.raw.parse().ok()?;
        let changes = leaf.is_of_earlier || clock.is_recent(ms) || (leaf.is_moment && ms >= SECONDS_MIN);
        return changes.then(|| "\"<number>\"".to_owned());
    }
    if ids_in(plain).any(|id| !names.is_given(id)) {
        return Some("\"<string>\"".to_owned());
    }
    let ms = moment(plain).filter(|_| !names.is_given(plain))?.as_millisecond();
    (leaf.is_moment || clock.is_recent(ms)).then(|| "\"<time>\"".to_owned())
}

/// A value that is expected: its name, with its kind where this is the first time.
fn bind(kind: Kind, word: &str, text: &str, names: &mut Names, redacted: &mut Redacted) -> String {
    let (name, is_bound) = names.name(kind, text);
    let key = (kind, text.to_owned());
    if is_bound || redacted.binds.contains(&key) {
        return quoted_name(&name);
    }
    redacted.binds.push(key);
    format!("\"<{word} as {name}>\"")
}

fn quoted_name(name: &str) -> String {
    format!("\"<{name}>\"")
}

/// A text that looks like a placeholder, written so that it is none.
fn literal(leaf: &Leaf<'_>) -> Option<String> {
    Placeholder::read(leaf.raw).map(|_| leaf.raw.replacen('<', "\\u003c", 1))
}

/// A text with its `\u` escapes taken away, as far as they hide letters.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\u") {
        plain.push_str(&rest[..at]);
        let char =
            rest.get(at + 2..at + 6).and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
        let taken = match char {
            Some(char) => {
                plain.push(char);
                6
            }
            None => 2,
        };
        rest = &rest[at + taken..];
    }
    plain + rest
}

impl Leaf<'_> {
    /// Whether it may be a plain word in an object about a secret, such as the schema of a password. It is not shown, but
    /// looking for it everywhere would hide every frame that has the word.
    fn is_doubtful(&self) -> bool {
        self.is_nested && !secrets::is_random(self.plain.as_deref().unwrap_or(self.raw))
    }

    /// The JSON text of the value, the same however its letters were escaped.
    fn text(&self) -> String {
        self.plain.as_deref().map_or_else(|| self.raw.to_owned(), quoted)
    }
}
