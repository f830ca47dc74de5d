//! This is where searches are cut into pages: each looks at a bounded number of candidates, and ends with a token for the next.

use std::fmt::Display;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::{PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, SEARCH_EXAMINED_MAX};
use crate::methods::list::second_half;
use crate::wire::error::Error;
use crate::wire::fields::Count;
use crate::wire::frame::Reply;

/// How many candidates a page needs at most: those it looks at, and one more that tells whether there is a next page.
pub const CANDIDATES_MAX: usize = SEARCH_EXAMINED_MAX + 1;

/// Bytes of a digest that tells one search from another. Nothing is protected by it but clients from their own mistakes.
const DIGEST_BYTES: usize = 16;

/// Bytes of the longest place that a token names: that of an organisation.
const PLACE_BYTES_MAX: usize = 64;

/// Which page of a search is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct PageRequest {
    /// The `next_token` of the page before.
    token: Option<Box<str>>,
    /// How many results to give at most.
    limit: Option<Count>,
}

/// Who or what may be a result.
#[derive(Debug)]
pub struct Candidate {
    /// Where it stands among the candidates.
    pub place: Box<str>,
    /// What is asked about; `None`: nothing.
    pub id: Option<Box<str>>,
}

/// A page of a search's results.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Found<T> {
    /// Absent in all but the last frame of a page sent in several.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<PageEnd>,
    results: Vec<T>,
}

/// Where a search stands.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SearchPageEnd")]
struct PageEnd {
    /// What the next page is asked for with; empty at the end.
    next_token: String,
    /// How many results this page has.
    count: usize,
}

/// A page that is being filled: of which search it is, behind which place it begins, and how long it may get.
#[derive(Debug)]
pub struct Walk {
    search: [u8; DIGEST_BYTES],
    after: Box<str>,
    limit: u16,
}

impl Candidate {
    /// Something to ask about.
    pub fn new(place: impl Display, id: impl Into<Box<str>>) -> Self {
        Self { place: place.to_string().into(), id: Some(id.into()) }
    }
}

/// The candidates of ordered ids behind one of them, as many as a page needs.
pub fn behind<I: Ord>(ids: Vec<I>, after: Option<I>, candidate: impl Fn(I) -> Candidate) -> Vec<Candidate> {
    let start = after.map_or(0, |after| ids.partition_point(|id| *id <= after));
    ids.into_iter().skip(start).take(CANDIDATES_MAX).map(candidate).collect()
}

impl Walk {
    /// The page that is asked for, of the search with these members: a token is good for the search it came from alone.
    pub fn new(page: Option<&PageRequest>, search: &impl Serialize) -> Result<Self, Error> {
        let asked = page
            .and_then(|page| page.limit)
            .map(|limit| u16::try_from(limit.0.min(PAGE_SIZE_MAX)).expect("a page's size is small"));
        let members = serde_json::to_vec(search).expect("members were read from JSON");
        let digest = Sha256::digest(&members);
        let search = *digest.first_chunk().expect("a digest is longer than its beginning");
        match page.and_then(|page| page.token.as_deref()).filter(|token| !token.is_empty()) {
            None => {
                let limit = asked.unwrap_or_else(|| PAGE_SIZE_DEFAULT.try_into().expect("a page's size is small"));
                Ok(Self { search, after: "".into(), limit })
            }
            Some(token) => {
                let walk = Self::of_token(token)
                    .ok_or_else(|| Error::field("page.token", "is none of ours; begin without one"))?;
                if walk.search != search {
                    let message = "belongs to another search; send the members of that one, or begin without a token";
                    return Err(Error::field("page.token", message));
                }
                if asked.is_some_and(|asked| asked != walk.limit) {
                    let message = "is not that of the page before; leave it out, or begin without a token";
                    return Err(Error::field("page.limit", message));
                }
                Ok(walk)
            }
        }
    }

    /// The place behind which the page begins; empty at the beginning.
    pub fn after(&self) -> &str {
        &self.after
    }

    /// Fills the page with what becomes of the candidates behind its beginning.
    pub fn through<T>(mut self, candidates: Vec<Candidate>, mut result: impl FnMut(Box<str>) -> Option<T>) -> Found<T> {
        let mut results = Vec::new();
        let mut left = candidates.into_iter();
        for _ in 0..SEARCH_EXAMINED_MAX {
            if results.len() >= self.limit.into() {
                break;
            }
            let Some(candidate) = left.next() else { break };
            self.after = candidate.place;
            results.extend(candidate.id.and_then(&mut result));
        }
        let next_token = if left.len() > 0 { self.token() } else { String::new() };
        Found { page: Some(PageEnd { next_token, count: results.len() }), results }
    }

    fn token(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode([&self.search[..], &self.limit.to_be_bytes(), self.after.as_bytes()].concat())
    }

    fn of_token(token: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (search, rest) = bytes.split_first_chunk()?;
        let (limit, after) = rest.split_first_chunk()?;
        let after = std::str::from_utf8(after).ok().filter(|place| place.len() <= PLACE_BYTES_MAX)?;
        Some(Self { search: *search, after: after.into(), limit: u16::from_be_bytes(*limit) })
    }
}

impl<T> Found<T> {
    /// The answer to a search for what is not known.
    pub fn nothing() -> Self {
        Self { page: Some(PageEnd { next_token: String::new(), count: 0 }), results: Vec::new() }
    }
}

impl<T: Serialize> Reply for Found<T> {
    fn split_off(&mut self) -> Option<Self> {
        Some(Self { results: second_half(&mut self.results)?, page: self.page.take() })
    }
}
