//! This is where it is said what every connection has at hand.

use std::net::IpAddr;
use std::sync::Arc;

use crate::access::{self, Caller, Identity, Sender, View};
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::config::Limits;
use crate::counts::Counts;
use crate::crowd::Crowd;
use crate::dashboard::{CookieKey, Links};
use crate::engine::EngineHandle;
use crate::http::origin::{Origins, WebOrigin};
use crate::hub::Hub;
use crate::methods::{Change, Verdict};
use crate::passwords::Passwords;
use crate::random::Random;
use crate::state::State;
use crate::state::moment::Moment;
use crate::state::token::TokenHash;
use crate::throttle::{Origin, Rates, Strangers, Throttle};
use crate::traffic::Traffic;
use crate::transcript::record::Recorder;
use crate::wire::close::Closes;
use crate::wire::error::{Code, Error};
use crate::world::World;

/// What every connection has at hand. What may change while the gateway runs changes for those that come after that.
#[derive(Clone, Debug)]
pub struct Shared {
    /// What is known.
    pub state: Arc<State>,
    /// Where changes are made.
    pub engine: EngineHandle,
    /// Who is connected.
    pub hub: Arc<Hub>,
    /// How many are signed in with each token.
    pub tokens: Crowd<TokenHash>,
    /// What was asked, decided and answered so far.
    pub counts: Arc<Counts>,
    /// How often what was said when a connection was ended.
    pub closes: Arc<Closes>,
    /// What passes, for those who watch.
    pub traffic: Arc<Traffic>,
    /// What is too much.
    pub limits: Limits,
    /// Whether refusals carry `"method":"error"`.
    pub error_method: bool,
    /// How the gateway is reached from outside, without a slash at the end: `https://lists.example.com`.
    pub public_url: String,
    /// The pages that are trusted with cookies.
    pub origins: Origins,
    /// Whether everybody may sign up as a user.
    pub open_sign_up: bool,
    /// Where what passes is recorded, if it is.
    pub recorder: Option<Recorder>,
    /// Where passwords are hashed and checked.
    pub passwords: Passwords,
    /// What slows guessing down.
    pub throttle: Arc<Throttle>,
    /// What slows down those who send too much.
    pub rates: Arc<Rates>,
    /// What slows down those who come with wrong tokens.
    pub strangers: Arc<Strangers>,
    /// Set-up links that nobody has used yet.
    pub links: Arc<Links>,
    /// What sessions of the page are signed with.
    pub cookie_key: CookieKey,
    /// What is known of the gateways that share the journal, if others do.
    pub cluster: Option<Arc<Cluster>>,
    /// What tells the time.
    pub clock: Clock,
    /// What secrets are drawn from.
    pub random: Random,
}

/// What of a gateway's options may change while it runs.
#[derive(Clone, Debug)]
pub struct Changeable {
    /// What is too much.
    pub limits: Limits,
    /// Whether refusals carry `"method":"error"`.
    pub error_method: bool,
    /// Whether everybody may sign up as a user.
    pub open_sign_up: bool,
    /// Pages of other hosts whose requests are taken together with a cookie.
    pub allowed_origins: Vec<WebOrigin>,
}

impl Shared {
    /// What connections have at hand where nothing else is said: reached where it listens, open to all, refusals without a method.
    pub fn new(state: Arc<State>, engine: EngineHandle, hub: Arc<Hub>, limits: Limits) -> Self {
        Self {
            state,
            engine,
            hub,
            tokens: Crowd::default(),
            counts: Arc::default(),
            closes: Arc::default(),
            traffic: Arc::default(),
            error_method: false,
            public_url: String::new(),
            origins: Origins::default(),
            open_sign_up: true,
            recorder: None,
            passwords: Passwords::new(&limits),
            throttle: Arc::new(Throttle::new(&limits)),
            rates: Arc::new(Rates::new(&limits)),
            strangers: Arc::new(Strangers::new(&limits)),
            links: Arc::default(),
            cookie_key: CookieKey::passing(),
            cluster: None,
            clock: Clock::default(),
            random: Random::default(),
            limits,
        }
    }

    /// The same by another clock, with secrets from elsewhere, on other threads, as a world has them.
    pub fn in_world(self, world: &World) -> Self {
        let passwords = Passwords::new(&self.limits).on(world.threads);
        Self { clock: world.clock.clone(), random: world.random.clone(), passwords, ..self }
    }

    /// The same with what may change while it runs.
    pub fn changed(&self, changeable: Changeable) -> Self {
        let Changeable { limits, error_method, open_sign_up, allowed_origins } = changeable;
        let origins = Origins::new(&self.public_url, allowed_origins);
        let (throttle, rates) = (Arc::new(Throttle::new(&limits)), Arc::new(Rates::new(&limits)));
        Self { limits, error_method, open_sign_up, origins, throttle, rates, ..self.clone() }
    }

    /// What a caller sees now.
    pub fn view(&self, caller: Caller) -> View<'_> {
        let cluster = self.cluster.as_deref();
        View { cluster, ..View::new(&self.state, caller, self.clock.now_ms()) }
    }

    /// The gate and the bounds for a change, and whether this gateway takes such changes at all.
    pub fn admit(&self, change: &mut Change, sender: Sender<'_>) -> Result<(), Error> {
        if matches!(change, Change::SignUp(_)) && !self.open_sign_up {
            return Err(Error::new(
                Code::PermissionMissing,
                "this gateway takes no sign-ups; an administrator makes users with setUser",
            ));
        }
        change.admit(sender)
    }

    /// What has to become known before what was said of a change is final, if something has: that there is nothing to change, or
    /// that it cannot be made, may be so in this gateway's view alone.
    pub fn doubt<T>(&self, checked: &Result<Verdict<T>, Error>) -> Option<Arc<Cluster>> {
        let is_in_doubt = match checked {
            Ok(Verdict::Proceed) => false,
            Ok(Verdict::Unchanged(_)) => true,
            Err(error) => error.code.is_of_the_state(),
        };
        self.cluster.clone().filter(|_| is_in_doubt)
    }

    /// Prepares a change that hashes passwords, when its turn has come. Who guesses is slowed down.
    pub async fn prepare(self: Arc<Self>, caller: Caller, origin: Origin, mut change: Change) -> Result<Change, Error> {
        if let Some(target) = change.guessed() {
            self.admit_guess(origin, target)?;
        }
        let shared = self.clone();
        let work = move || change.prepare(shared.view(caller), &shared.random).map(|()| change);
        self.passwords.work(work).await.map_err(|error| Error::new(Code::SlowDown, error.to_string()))?
    }

    /// Refuses what must not be answered from too old a view of a journal that others share.
    pub fn refuse_if_stale(&self) -> Result<(), Error> {
        self.cluster.as_ref().map_or(Ok(()), |cluster| cluster.refuse_if_stale())
    }

    /// Where others share the journal, and a token is not known, waits until it would be if one of them had made it just now; refuses
    /// where that is not found out in time.
    pub async fn look_for(&self, token: &TokenHash, address: IpAddr) -> Result<(), Error> {
        let Some(cluster) = &self.cluster else { return Ok(()) };
        let is_known = access::identify(&self.state, token, Moment::of_ms(self.clock.now_ms())).is_some();
        // Those who are held are refused without a look at etcd.
        if is_known || self.strangers.admit(address).is_err() {
            return Ok(());
        }
        cluster.refresh().await
    }

    /// Says who a token stands for, or refuses it; one that is wrong counts against the address.
    pub fn identify(&self, token: &TokenHash, address: IpAddr, unknown: &'static str) -> Result<Identity, Error> {
        let held = self.strangers.admit(address);
        held.map_err(|wait| Error::slow_down(wait, "there were too many wrong tokens from your address"))?;
        access::identify(&self.state, token, Moment::of_ms(self.clock.now_ms())).ok_or_else(|| {
            self.strangers.note_failure(address);
            Error::new(Code::NotAuthenticated, unknown)
        })
    }

    /// Counts an attempt at a secret, or refuses it where there were too many.
    pub fn admit_guess(&self, origin: Origin, target: &str) -> Result<(), Error> {
        self.throttle.admit(origin, target).map_err(|wait| Error::slow_down(wait, "there were too many attempts"))
    }
}
