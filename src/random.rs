//! This is where what nobody may guess is drawn: tokens, keys, salts, uuids.

use std::sync::{Arc, Mutex};

use rand::SeedableRng;
use rand::distr::{Alphanumeric, SampleString};
use rand::rngs::StdRng;
use uuid::{Builder, Uuid};

use crate::state::password::Salt;

/// What secrets are drawn from: the system's randomness, unless a simulation says otherwise.
///
/// Nobody else can: one that is seeded is made in [`World::simulated`](crate::world::World::simulated) alone, together with a
/// network that no client of the real one can reach.
#[derive(Clone, Debug, Default)]
pub struct Random(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Seeded(Arc<Mutex<StdRng>>),
}

impl Random {
    /// The same draws for the same seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))))
    }

    /// So many letters and digits, some six random bits each.
    pub fn alphanumeric(&self, chars: usize) -> String {
        match &self.0 {
            Source::System => Alphanumeric.sample_string(&mut rand::rng(), chars),
            Source::Seeded(seeded) => Alphanumeric.sample_string(&mut *seeded.lock().expect(WHOLE), chars),
        }
    }

    /// A salt that was never used before.
    pub fn salt(&self) -> Salt {
        self.bytes()
    }

    /// A uuid that was never used before.
    pub fn uuid(&self) -> Uuid {
        Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    fn bytes(&self) -> [u8; 16] {
        match &self.0 {
            Source::System => rand::random(),
            Source::Seeded(seeded) => rand::RngExt::random(&mut *seeded.lock().expect(WHOLE)),
        }
    }
}

/// Why the lock on a seeded source is never poisoned.
const WHOLE: &str = "no draw panics";

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(random: &Random) -> (String, Salt, Uuid) {
        (random.alphanumeric(30), random.salt(), random.uuid())
    }

    #[test]
    fn a_seed_draws_the_same_again_and_the_system_never_does() {
        assert_eq!(draws(&Random::seeded(7)), draws(&Random::seeded(7)));
        assert_ne!(draws(&Random::seeded(7)), draws(&Random::seeded(8)));
        assert_ne!(draws(&Random::default()), draws(&Random::default()));
    }
}
