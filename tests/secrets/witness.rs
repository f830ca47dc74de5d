//! A witness to whom every secret is told that is used, and who hears every answer.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::http::{Answer, Http, Request};
use crate::support::{Client, Received};

/// Characters of a secret that are as good as the whole: less may be a coincidence.
const TELLING_CHARS: usize = 8;

/// Everything that was heard, and every secret that was used.
pub struct Witness {
    pub url: String,
    pub http: Http,
    pub heard: Vec<Heard>,
    pub secrets: BTreeMap<String, Secret>,
}

/// One answer, and what it is the answer to.
pub struct Heard {
    pub to: String,
    pub text: String,
    pub is_refusal: bool,
}

/// A secret.
pub struct Secret {
    /// What it is for.
    what: &'static str,
    /// The one answer that may tell it.
    shown_in: Option<usize>,
}

impl Witness {
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned(), http: Http::at(url), heard: Vec::new(), secrets: BTreeMap::new() }
    }

    /// A secret that the test knows from the first.
    pub fn keeps<'a>(&mut self, what: &'static str, secret: &'a str) -> &'a str {
        self.secrets.entry(secret.to_owned()).or_insert(Secret { what, shown_in: None });
        secret
    }

    /// A secret that the last answer shows, this once.
    pub fn was_shown(&mut self, what: &'static str, secret: Option<&str>) -> String {
        let (index, heard) = self.heard.iter().enumerate().next_back().expect("something was heard");
        let secret = secret.unwrap_or_else(|| panic!("no {what} is in the answer to {}: {}", heard.to, heard.text));
        let known = self.secrets.insert(secret.to_owned(), Secret { what, shown_in: Some(index) });
        assert!(known.is_none(), "a {what} was made twice");
        secret.to_owned()
    }

    pub fn hears(&mut self, to: String, text: String, is_refusal: bool) {
        self.heard.push(Heard { to, text, is_refusal });
    }

    /// Sends a request with a secret in a place that answers may quote, such as the path; the log may not.
    pub async fn misplaces(&mut self, request: Request) {
        request.send().await;
    }

    pub async fn sends(&mut self, request: Request) -> Answer {
        let to = format!("{request:?}");
        let answer = request.send().await;
        let refused = answer.status.is_client_error() || answer.status.is_server_error();
        let head: Vec<_> = answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        let text = format!("{} {}\n{}\n\n{}", answer.code(), answer.reason, head.join("\n"), answer.text());
        self.hears(to, text, refused);
        answer
    }

    /// Sends a request that must be refused.
    pub async fn is_refused(&mut self, request: Request) {
        let (said, answer) = (format!("{request:?}"), self.sends(request).await);
        assert!(answer.status.is_client_error(), "{said} was answered by {} {}", answer.status, answer.text());
    }

    pub async fn calls(&mut self, client: &mut Client, message: impl ToString) -> Value {
        let message = message.to_string();
        client.send(message.clone()).await;
        let text = client.text().await;
        let answer: Value = serde_json::from_str(&text).expect("answers are JSON");
        self.hears(message, text, answer.get("error").is_some());
        answer
    }

    /// Makes a call that must go well.
    pub async fn gets(&mut self, client: &mut Client, message: Value) -> Value {
        let answer = self.calls(client, &message).await;
        assert!(answer.get("error").is_none(), "{message} was answered by {answer}");
        answer
    }

    /// Makes a call that must be refused.
    pub async fn cannot(&mut self, client: &mut Client, message: impl ToString) {
        let message = message.to_string();
        let answer = self.calls(client, &message).await;
        assert!(answer.get("error").is_some(), "{message} was answered by {answer}");
    }

    /// Opens a connection with a first frame, and hears it to its end if it is refused.
    pub async fn connects(&mut self, first: impl ToString) -> Client {
        let mut client = Client::connect(&self.url).await;
        let first = first.to_string();
        client.send(first.clone()).await;
        loop {
            match client.receive().await {
                Received::Text(text) if text.contains("TOKEN_AUTH_OK") => {
                    self.hears(first, text, false);
                    return client;
                }
                Received::Text(text) => self.hears(first.clone(), text, true),
                Received::Close(_, reason) => self.hears(first.clone(), reason, true),
                Received::Gone => return client,
            }
        }
    }

    pub async fn signs_in(&mut self, token: &str) -> Client {
        let client = self.connects(json!({"method": "TOKEN_AUTH", "token": token, "rem": true})).await;
        let heard = &self.heard[self.heard.len() - 1];
        assert!(!heard.is_refusal, "{}", heard.text);
        client
    }

    /// Logs in over HTTP and keeps the session.
    pub async fn logs_in(&mut self, email: &str, password: &str) -> String {
        let body = json!({"email": email, "password": password});
        let answer = self.sends(self.http.post("/api/auth/login").json(&body)).await;
        self.was_shown("session", answer.cookie("neptun-session").as_deref())
    }

    /// Every secret that is in a text which may have none, and where it is.
    pub fn told_in(&self, place: &str, text: &str) -> Vec<String> {
        let mut told = Vec::new();
        for (secret, Secret { what, .. }) in &self.secrets {
            if let Some(form) = forms(secret).into_iter().find(|form| text.contains(form)) {
                told.push(format!("the {what} {secret:?} is in {place}, as {form:?}"));
            }
        }
        told
    }

    /// Every answer that tells a secret and should not.
    pub fn told_in_answers(&self) -> Vec<String> {
        let mut told = Vec::new();
        for (index, Heard { to, text, .. }) in self.heard.iter().enumerate() {
            for (secret, Secret { what, shown_in }) in &self.secrets {
                if *shown_in == Some(index) {
                    continue;
                }
                let mut forms = forms(secret).into_iter().chain(hashed_forms(secret));
                if let Some(form) = forms.find(|form| text.contains(form)) {
                    told.push(format!("the {what} {secret:?} is, as {form:?}, in the answer to {to}:\n{text}\n"));
                }
            }
            if text.contains("$argon2") {
                told.push(format!("a hash is in the answer to {to}:\n{text}\n"));
            }
        }
        told
    }
}

/// How a secret might be written: as it is, within JSON, within an address, in a header, and so on; or the beginning or end of it.
pub fn forms(secret: &str) -> Vec<String> {
    // The ids that a bot's token begins with are no secret.
    let tail = secret.rsplit(':').next().filter(|tail| tail.len() >= TELLING_CHARS).unwrap_or(secret);
    let chars: Vec<char> = tail.chars().collect();
    let mut forms = vec![tail.to_owned()];
    if chars.len() > 2 * TELLING_CHARS {
        forms.push(chars[..TELLING_CHARS + 4].iter().collect());
        forms.push(chars[chars.len() - TELLING_CHARS - 4..].iter().collect());
    }
    let quoted = serde_json::to_string(secret).expect("texts are JSON");
    forms.push(quoted[1..quoted.len() - 1].to_owned());
    forms.push(format!("{secret:?}").trim_matches('"').to_owned());
    forms.push(form_urlencoded::byte_serialize(secret.as_bytes()).collect());
    forms.push(BASE64_STANDARD.encode(format!(":{secret}")));
    forms.push(BASE64_STANDARD.encode(secret));
    forms
}

/// The hash of a secret, which is kept and is for nobody's eyes either.
pub fn hashed_forms(secret: &str) -> [String; 1] {
    [Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()]
}

#[test]
fn a_secret_is_found_in_whatever_form_it_is_written() {
    let mut witness = Witness::new("ws://127.0.0.1:1/");
    witness.keeps("password", "a \"b\" ü c+d&e");
    witness.keeps("token", "501:0:GivenTokenForExamplesOnly00009");
    for text in [
        "{\"password\":\"a \\\"b\\\" ü c+d&e\"}",
        "error: a \"b\" ü c+d&e is wrong",
        "GET /?password=a+%22b%22+%C3%BC+c%2Bd%26e",
        "authorization: Basic OmEgImIiIMO8IGMrZCZl",
        "GivenTokenFor… is unknown",
        "501:0:GivenTokenForExamplesOnly00009",
    ] {
        assert_eq!(witness.told_in("a text", text).len(), 1, "{text}");
    }
    for text in ["bot 501:0 signed in", "a \"b\"", "GivenToken"] {
        assert!(witness.told_in("a text", text).is_empty(), "{text}");
    }
}
