//! The requests and responses of every transcript, held against the document.

use serde_json::Value;

use crate::assert_none;
use crate::frames::{Asked, REQUESTS};
use crate::http::{faults_of_answer, faults_of_request, operation};

/// Requests that are refused with 400 or 422 though the document has nothing against their body, by a part of the answer, and
/// why.
const ONLY_THE_GATEWAY_KNOWS: &[(&str, &str)] = &[
    ("the body must be JSON", "the content type of a request"),
    ("must be later than start_date", "two members that contradict each other"),
    ("Passwords must match", "two members that contradict each other"),
];

impl Asked {
    fn verb(&self) -> String {
        self.request.method.to_ascii_lowercase()
    }

    /// The body as the gateway reads it, where that is JSON.
    fn sent(&self) -> Option<Value> {
        serde_json::from_str(&self.request.body).ok()
    }

    fn received(&self) -> Option<Value> {
        let text = String::from_utf8_lossy(&self.response.body).into_owned();
        (!text.is_empty()).then(|| serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    fn told(&self) -> String {
        let body = String::from_utf8_lossy(&self.response.body);
        format!("{} {} {} {}: {body}", self.place, self.verb(), self.request.path, self.response.status)
    }

    /// Whether there is such a route: what is nowhere, or takes other methods, is not described.
    fn is_described(&self) -> bool {
        operation(&self.verb(), &self.request.path).is_some()
    }
}

#[test]
fn every_response_is_as_the_document_has_it() {
    let mut faults = Vec::new();
    for asked in REQUESTS.iter() {
        if !asked.is_described() {
            if ![404, 405].contains(&asked.response.status) {
                faults.push(format!("{}\n    is not described", asked.told()));
            }
            continue;
        }
        let found =
            faults_of_answer(&asked.verb(), &asked.request.path, asked.response.status, asked.received().as_ref());
        faults.extend(found.into_iter().map(|fault| format!("{}\n    {fault}", asked.told())));
    }
    assert_none("the document does not know these answers", &faults);
    assert!(REQUESTS.len() > 100, "only {} requests were seen", REQUESTS.len());
}

#[test]
fn every_body_that_was_taken_is_as_the_document_has_it_and_every_other_is_not() {
    let (mut faults, mut used) = (Vec::new(), vec![false; ONLY_THE_GATEWAY_KNOWS.len()]);
    for asked in REQUESTS.iter().filter(|asked| asked.is_described()) {
        let Some(sent) = asked.sent() else { continue };
        let found = faults_of_request(&asked.verb(), &asked.request.path, &sent);
        match asked.response.status {
            200..300 if !found.is_empty() => faults.push(format!("{}\n    {sent}\n    {found:?}", asked.told())),
            400 | 422 if found.is_empty() => {
                let told = asked.told();
                match ONLY_THE_GATEWAY_KNOWS.iter().position(|(part, _)| told.contains(part)) {
                    Some(index) => used[index] = true,
                    None => faults.push(format!("{told}\n    the document has nothing against {sent}")),
                }
            }
            _ => {}
        }
    }
    assert_none("bodies and the document differ", &faults);
    let stale =
        ONLY_THE_GATEWAY_KNOWS.iter().zip(used).filter(|(_, used)| !used).map(|((part, _), _)| (*part).to_owned());
    assert_none("these excuses are not needed", &stale.collect::<Vec<_>>());
}
