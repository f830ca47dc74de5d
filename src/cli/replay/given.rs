//! The secrets that a transcript leaves out, as they are given on the command line or in a file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use guestlist::transcript::bindings::Bindings;
use guestlist::transcript::json::Json;

/// `NAME=VALUE`.
#[derive(Clone, Debug)]
pub struct Given {
    name: String,
    value: String,
}

/// Why a file of secrets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GivenError {
    #[error("{0} cannot be read: {1}")]
    Unreadable(PathBuf, #[source] std::io::Error),
    #[error("{0}: {1}; write one `name = \"value\"` a line")]
    Toml(PathBuf, #[source] Box<toml::de::Error>),
}

/// Reads `NAME=VALUE`.
pub fn read(text: &str) -> Result<Given, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok(Given { name: name.to_owned(), value: value.to_owned() }),
        // Not quoted: it may be the secret itself.
        _ => Err("write NAME=VALUE, such as token_1=90091784056528980:0:…".to_owned()),
    }
}

/// A text in which names stand for what was given: as it is, as JSON has it, a frame quoted in JSON, or XML.
pub fn masked(text: &str, given: &Bindings) -> String {
    let json = |text: &str| {
        let quoted = Json::String(text.to_owned()).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let xml = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let mut masked = text.to_owned();
    for (name, secret) in given.texts() {
        let forms = [secret.to_owned(), json(secret), json(&json(secret))];
        for form in forms.iter().flat_map(|form| [form.clone(), xml(form)]) {
            masked = masked.replace(&form, &format!("[{name}]"));
        }
    }
    masked
}

/// What all of them bind; the command line before the file.
pub fn bindings(given: &[Given], file: Option<&Path>) -> Result<Bindings, GivenError> {
    let mut bindings = Bindings::default();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|error| GivenError::Unreadable(path.to_owned(), error))?;
        let mut values: BTreeMap<String, String> = toml::from_str(&text).map_err(|mut error: toml::de::Error| {
            // Else the message quotes the line, and the secret in it.
            error.set_input(None);
            GivenError::Toml(path.to_owned(), Box::new(error))
        })?;
        for (name, value) in std::mem::take(&mut values) {
            bindings.insert(name, Json::String(value));
        }
    }
    for Given { name, value } in given {
        bindings.insert(name.clone(), Json::String(value.clone()));
    }
    Ok(bindings)
}
