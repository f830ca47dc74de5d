//! This is where it is read where a collector is.

use std::str::FromStr;

use hyper::Uri;
use serde::{Deserialize, Serialize};

/// Where OTLP has traces, below the address of a collector.
const TRACES: &str = "/v1/traces";

/// The address of a collector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint(Uri);

/// Why a text is no such address.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is no address of a collector; write one such as http://127.0.0.1:4318, with https:// where it is encrypted"
)]
pub struct NoEndpoint(String);

impl Endpoint {
    /// Where traces are posted.
    pub fn traces(&self) -> String {
        let base = self.0.to_string();
        format!("{}{TRACES}", base.trim_end_matches('/'))
    }

    /// Whether the way there is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }
}

impl FromStr for Endpoint {
    type Err = NoEndpoint;

    fn from_str(text: &str) -> Result<Self, NoEndpoint> {
        let uri = text.parse::<Uri>().ok().filter(|uri| {
            // A secret in an address would be shown by `guestlist config`; headers are where it belongs.
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
                && uri.query().is_none()
                && !uri.authority().is_some_and(|authority| authority.as_str().contains('@'))
        });
        uri.map(Self).ok_or_else(|| NoEndpoint(text.to_owned()))
    }
}

impl TryFrom<String> for Endpoint {
    type Error = NoEndpoint;

    fn try_from(text: String) -> Result<Self, NoEndpoint> {
        text.parse()
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.0.to_string()
    }
}
