//! This is where gateways are compared: one whose state after a revision has another digest than that of the others is wrong, and must
//! begin anew from what they share. How many say what decides, and where as many say one thing as the other, whoever was built from
//! etcd last is right.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::journal::shared::{Checkpoint, Progress};
use crate::state::digest::Digest;

/// A gateway that lives: the revision at which it came, what it is known by, and what it tells.
pub type Living = (u64, String, Told);

/// What a gateway tells of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    /// What people call it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Up to where it has folded the journal.
    pub revision: u64,
    /// The entry that it folded last.
    pub seq: u64,
    /// The digest of its state, where that is one that others have too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The revision as of which its state was built from what is in etcd.
    pub built: u64,
}

/// What was heard of the others.
#[derive(Debug, Default)]
pub struct Others {
    /// How far they said to be, where this gateway is not so far yet.
    pending: HashMap<String, Checkpoint>,
    /// Whether they had the same digest, when they were compared last.
    agree: HashMap<String, bool>,
}

impl Others {
    /// Compares what gateways have told with what this one was at the same revision; says so where this one must be wrong.
    pub fn compare(&mut self, own: &str, gateways: &[Living], progress: &Progress) -> Option<String> {
        self.pending.retain(|gateway, _| gateways.iter().any(|(_, other, _)| other == gateway));
        self.agree.retain(|gateway, _| gateways.iter().any(|(_, other, _)| other == gateway));
        let latest = progress.latest().revision;
        for (_, gateway, told) in gateways.iter().filter(|(_, gateway, _)| gateway != own) {
            let checkpoint = Checkpoint { revision: told.revision, seq: told.seq, digest: told.digest };
            // Until this gateway was as far, it is the older one that it waits for.
            let pending = *self.pending.entry(gateway.clone()).or_insert(checkpoint);
            if pending.revision > latest {
                continue;
            }
            self.pending.remove(gateway);
            let at = progress.at(pending.revision).and_then(|at| Some((at.seq, at.digest?)));
            if let (Some(at), Some(digest)) = (at, pending.digest) {
                self.agree.insert(gateway.clone(), at == (pending.seq, digest));
            }
        }
        let (agree, differ): (Vec<_>, Vec<_>) = self.agree.iter().partition(|(_, agrees)| **agrees);
        if differ.is_empty() {
            return None;
        }
        let built = |gateway: &str| gateways.iter().find(|(_, other, _)| other == gateway).map(|(.., told)| told.built);
        let with_us = agree.len() + 1;
        let newest = |side: &[(&String, &bool)]| side.iter().filter_map(|(gateway, _)| built(gateway)).max();
        let is_wrong = match differ.len().cmp(&with_us) {
            Ordering::Less => false,
            Ordering::Greater => true,
            // The eldest, where both were built at once.
            Ordering::Equal => {
                let (ours, theirs) = (newest(&agree).max(built(own)), newest(&differ));
                let eldest = gateways.first().map(|(_, gateway, _)| gateway);
                theirs > ours || theirs == ours && differ.iter().any(|(gateway, _)| Some(*gateway) == eldest)
            }
        };
        let names: Vec<&str> = gateways
            .iter()
            .filter(|(_, gateway, _)| differ.iter().any(|(other, _)| *other == gateway))
            .map(|(.., told)| told.name.as_str())
            .collect();
        let (names, differing) = (names.join(", "), differ.len());
        if !is_wrong {
            tracing::error!(names, "gateways have another state than this one at the same revision; they begin anew");
            return None;
        }
        Some(format!("at the same revision the state is another one than that of {differing} other gateways ({names})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A digest that a letter stands for.
    fn digest(letter: char) -> Digest {
        let text: String = std::iter::repeat_n(letter, 64).collect();
        text.try_into().expect("it is a digest")
    }

    /// A gateway that came at a revision, as it tells of itself.
    fn gateway(since: u64, name: &str, revision: u64, letter: char, built: u64) -> Living {
        let told = Told {
            name: name.to_owned(),
            version: String::new(),
            revision,
            seq: revision,
            digest: Some(digest(letter)),
            built,
        };
        (since, name.to_owned(), told)
    }

    fn at(revision: u64, letter: char) -> Checkpoint {
        Checkpoint { revision, seq: revision, digest: Some(digest(letter)) }
    }

    /// Whether gateway `me`, which came second and has state `a` after revision 5, finds that it is wrong.
    fn is_wrong(built: u64, others: impl IntoIterator<Item = Living>) -> bool {
        let mut gateways: Vec<_> = others.into_iter().chain([gateway(2, "me", 5, 'a', built)]).collect();
        gateways.sort_by_key(|(since, ..)| *since);
        Others::default().compare("me", &gateways, &Progress::new(at(5, 'a'))).is_some()
    }

    #[test]
    fn the_fewer_are_wrong_and_of_as_many_those_that_were_built_earlier_or_came_later() {
        assert!(!is_wrong(1, []));
        assert!(!is_wrong(1, [gateway(1, "x", 5, 'a', 1), gateway(3, "y", 5, 'a', 1)]));
        assert!(is_wrong(9, [gateway(3, "x", 5, 'b', 1), gateway(4, "y", 5, 'b', 1)]));
        assert!(!is_wrong(1, [gateway(1, "x", 5, 'b', 9), gateway(3, "y", 5, 'a', 1)]));
        // One against one.
        assert!(is_wrong(1, [gateway(3, "x", 5, 'b', 2)]));
        assert!(!is_wrong(2, [gateway(1, "x", 5, 'b', 1)]));
        assert!(is_wrong(1, [gateway(1, "x", 5, 'b', 1)]));
        assert!(!is_wrong(1, [gateway(3, "x", 5, 'b', 1)]));
    }

    #[test]
    fn what_another_told_waits_until_this_gateway_is_as_far() {
        let (mut others, progress) = (Others::default(), Progress::new(at(5, 'a')));
        let told = |revision, letter| [gateway(1, "x", revision, letter, 1), gateway(2, "me", 5, 'a', 1)];
        assert_eq!(others.compare("me", &told(7, 'b'), &progress), None);
        // It is further now; what it told first is what is compared.
        progress.note(at(7, 'c'));
        assert!(others.compare("me", &told(9, 'b'), &progress).is_some_and(|why| why.contains("(x)")));
        // One that is gone counts no more.
        assert_eq!(others.compare("me", &[gateway(2, "me", 7, 'c', 1)], &progress), None);
    }
}
