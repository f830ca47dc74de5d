//! This is where set-up links are known: each lets one browser in, once, within half an hour.

use std::sync::{Mutex, PoisonError};

use crate::config::{LINK_CHARS, LINK_MS, LINKS_MAX};
use crate::random::Random;
use crate::state::id::BotId;
use crate::state::moment::Moment;
use crate::state::token::TokenHash;

/// The links that nobody has used yet, the oldest first. They are kept in memory: a restart voids them.
#[derive(Debug, Default)]
pub struct Links(Mutex<Vec<Link>>);

#[derive(Debug)]
struct Link {
    secret: TokenHash,
    bot_id: BotId,
    ends_at: Moment,
}

impl Links {
    /// Makes one that lets in as a bot; gives its secret, and when it ends. One too many voids the oldest.
    pub fn make(&self, bot_id: BotId, random: &Random, now_ms: u64) -> (String, Moment) {
        let (secret, ends_at) = (random.alphanumeric(LINK_CHARS), Moment::of_ms(now_ms + LINK_MS));
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|link| Moment::of_ms(now_ms) < link.ends_at);
        if links.len() == LINKS_MAX {
            links.remove(0);
        }
        links.push(Link { secret: TokenHash::of(&secret), bot_id, ends_at });
        (secret, ends_at)
    }

    /// Uses one up; says whom it lets in as, unless it is none, or was used, or has ended.
    pub fn take(&self, secret: &str, now: Moment) -> Option<BotId> {
        let secret = TokenHash::of(secret);
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = links.iter().position(|link| link.secret.matches(&secret))?;
        let link = links.remove(place);
        (now < link.ends_at).then_some(link.bot_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_lets_in_once_and_for_half_an_hour() {
        let (links, random) = (Links::default(), Random::default());
        let (first, ends_at) = links.make(BotId(1), &random, 1_000);
        let (second, _) = links.make(BotId(2), &random, 1_000);
        assert_eq!(ends_at, Moment::of_ms(1_000 + LINK_MS));
        assert_eq!(links.take(&second, Moment::of_ms(LINK_MS)), Some(BotId(2)));
        assert_eq!(links.take(&second, Moment::of_ms(LINK_MS)), None, "it was used");
        assert_eq!(links.take("x", Moment::of_ms(1_000)), None);
        assert_eq!(links.take(&first, ends_at), None, "it has ended");
    }

    #[test]
    fn there_are_only_so_many() {
        let (links, random) = (Links::default(), Random::default());
        let made: Vec<String> = (0..=LINKS_MAX).map(|_| links.make(BotId(1), &random, 0).0).collect();
        assert_eq!(links.take(&made[0], Moment::of_ms(1)), None);
        assert!(made[1..].iter().all(|secret| links.take(secret, Moment::of_ms(1)).is_some()));
    }
}
