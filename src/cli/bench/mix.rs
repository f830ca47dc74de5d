//! Which methods are sent, and in which order: a mix such as `addToWhitelist=1,checkAccess=3`.

use std::str::FromStr;

/// Where a mix has more parts, its order would no longer fit into anybody's head, nor into a cache.
const WEIGHTS_MAX: u32 = 10_000;

/// A method that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Ping,
    Add,
    Remove,
    List,
    Check,
}

impl Method {
    pub const ALL: [Self; 5] = [Self::Ping, Self::Add, Self::Remove, Self::List, Self::Check];

    /// As the wire has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ping => "PING",
            Self::Add => "addToWhitelist",
            Self::Remove => "removeFromWhitelist",
            Self::List => "getWhitelistUsers",
            Self::Check => "checkAccess",
        }
    }
}

/// Methods by their weights.
#[derive(Clone, Debug)]
pub struct Mix {
    text: String,
    order: Vec<Method>,
}

impl Mix {
    /// One round: every method as often as it weighs, spread evenly.
    pub fn order(&self) -> &[Method] {
        &self.order
    }

    pub fn has(&self, method: Method) -> bool {
        self.order.contains(&method)
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut weighed: Vec<(Method, u32)> = Vec::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let method = Method::ALL.into_iter().find(|method| method.name() == name.trim()).ok_or_else(|| {
                format!("{name:?} cannot be measured; mix {}", Method::ALL.map(Method::name).join(", "))
            })?;
            let weight = weight.trim().parse().ok().filter(|weight| (1..=WEIGHTS_MAX).contains(weight));
            let weight =
                weight.ok_or_else(|| format!("{part:?}: a weight is a whole number from 1 to {WEIGHTS_MAX}"))?;
            if weighed.iter().any(|(other, _)| *other == method) {
                return Err(format!("{} is there twice; write it once, with one weight", method.name()));
            }
            weighed.push((method, weight));
        }
        Ok(Self { text: text.to_owned(), order: spread(&weighed) })
    }
}

/// Smooth weighted round robin: at each place stands the method that is furthest behind its share.
fn spread(weighed: &[(Method, u32)]) -> Vec<Method> {
    let divisor = weighed.iter().map(|(_, weight)| *weight).fold(0, greatest_common_divisor);
    let shares: Vec<i64> = weighed.iter().map(|(_, weight)| i64::from(weight / divisor)).collect();
    let round: i64 = shares.iter().sum();
    let mut behind = vec![0; shares.len()];
    (0..round)
        .map(|_| {
            behind.iter_mut().zip(&shares).for_each(|(behind, share)| *behind += share);
            // Of equals the first: what is added stands before what is asked about.
            let next = (0..shares.len()).rev().max_by_key(|&index| behind[index]).expect("a split has a part");
            behind[next] -= round;
            weighed[next].0
        })
        .collect()
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::Method::{Add, Check, Ping};
    use super::*;

    #[test]
    fn a_mix_is_spread_evenly_by_its_weights() {
        let order = |text: &str| text.parse::<Mix>().expect("it is a mix").order().to_vec();
        assert_eq!(order("addToWhitelist=1,checkAccess=3"), [Check, Add, Check, Check]);
        assert_eq!(order("addToWhitelist = 20, checkAccess=20"), [Add, Check]);
        assert_eq!(order("PING"), [Ping]);
    }

    #[test]
    fn what_is_no_mix_is_refused_with_what_would_be() {
        for (text, said) in [
            ("", "mix PING, addToWhitelist"),
            ("setApp=1", "\"setApp\" cannot be measured"),
            ("PING=0", "a weight is"),
            ("PING=x", "a weight is"),
            ("PING,PING=2", "there twice"),
        ] {
            let error = text.parse::<Mix>().expect_err("it is no mix");
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
