//! This is where tests get a whole cluster: three gateways and three members of etcd, each on a host of its own.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::etcd::Etcd;
use super::gateways::Gateway;
use super::hosts::{Host, Network};
use super::wait::until;
use crate::support::{APP, Client};

/// Members of etcd, and as many gateways.
pub const EACH: usize = 3;

/// The token of a bot that may change the app's lists. The demo's tokens are refused beyond loopback.
pub const BOT: &str = "90091784056528980:0:BotTokenOfTheTestsOfClusters01";
/// The administrator's token.
pub const ADMIN: &str = "administrator-of-the-tests-of-clusters";

/// Above anything that gateways need to hold the same once nothing is in their way.
const AGREE_WAIT: Duration = Duration::from_secs(40);

/// A cluster; its processes are killed, and its hosts removed, when it is dropped.
pub struct Cluster {
    /// The gateways.
    pub gateways: Vec<Gateway>,
    /// The members that keep the journal.
    pub etcd: Etcd,
    /// What links all, where tests may make it.
    pub network: Option<Network>,
    /// Where the processes keep what they know; outlives them.
    _home: TempDir,
}

impl Cluster {
    /// One with what tests begin with, all its gateways ready; these have more arguments for `serve`.
    pub async fn start(args: &[&str]) -> Self {
        let network = Network::new(2 * u8::try_from(EACH).expect("it is small"));
        if let Err(error) = &network {
            println!("NOT TESTED: partitions, for which hosts cannot be made here: {error}");
        }
        let network = network.ok();
        let host = |n: usize| network.as_ref().map_or_else(Host::loopback, |network| network.hosts()[n].clone());
        let home = TempDir::new().expect("a temporary directory");
        let etcd = Etcd::start(home.path(), (0..EACH).map(host).collect());
        let seed = home.path().join("seed.jsonl");
        std::fs::write(&seed, first_contents()).expect("files can be written");
        let mut all = vec!["--journal".to_owned(), format!("etcd://{}/guestlist", etcd.endpoints())];
        all.extend(["--seed".to_owned(), seed.to_str().expect("paths of tests are text").to_owned()]);
        all.extend(args.iter().map(|&arg| arg.to_owned()));
        let gateway = |n: usize| {
            let name = format!("gateway{}", n + 1);
            Gateway::new(&name, &home.path().join(&name), host(EACH + n), &all)
        };
        let mut cluster = Self { gateways: (0..EACH).map(gateway).collect(), etcd, network, _home: home };
        // All at once: one of them applies what there is to begin with.
        cluster.gateways.iter_mut().for_each(Gateway::start);
        cluster.must_be_ready().await;
        cluster
    }

    /// Waits until every gateway is ready.
    pub async fn must_be_ready(&mut self) {
        for gateway in &mut self.gateways {
            gateway.must_be_ready().await;
        }
    }

    /// Where the bots of each gateway connect.
    pub fn urls(&self) -> Vec<String> {
        self.gateways.iter().map(Gateway::url).collect()
    }

    /// A bot that is connected to a gateway.
    pub async fn bot(&self, gateway: usize) -> Client {
        Client::sign_in(&self.gateways[gateway].url(), BOT).await
    }

    /// An administrator who is connected to a gateway.
    pub async fn administrator(&self, gateway: usize) -> Client {
        Client::sign_in(&self.gateways[gateway].url(), ADMIN).await
    }

    /// Loses what a gateway and members of etcd send to each other, in these directions.
    pub fn cut(&self, gateway: usize, members: &[usize], way: Way) {
        self.each(&self.gateways[gateway].host, members, way, Network::cut);
    }

    /// Takes such a cut back.
    pub fn mend(&self, gateway: usize, members: &[usize], way: Way) {
        self.each(&self.gateways[gateway].host, members, way, Network::mend);
    }

    /// Loses what a member of etcd and others send to each other.
    pub fn cut_member(&self, member: usize, others: &[usize], way: Way) {
        self.each(self.etcd.host(member), others, way, Network::cut);
    }

    /// Takes such a cut back.
    pub fn mend_member(&self, member: usize, others: &[usize], way: Way) {
        self.each(self.etcd.host(member), others, way, Network::mend);
    }

    fn each(&self, host: &Host, members: &[usize], way: Way, act: fn(&Network, &Host, &Host)) {
        let network = self.network.as_ref().expect("there is a network to cut");
        for member in members.iter().map(|&member| self.etcd.host(member)) {
            if way != Way::In {
                act(network, host, member);
            }
            if way != Way::Out {
                act(network, member, host);
            }
        }
    }

    /// Waits until all gateways hold the same, and gives the number of the last change and the digest.
    pub async fn must_agree(&self) -> (u64, Value) {
        let look = async || {
            let mut digests = Vec::new();
            for gateway in &self.gateways {
                digests.push(gateway.digest().await?);
            }
            digests.iter().all(|digest| *digest == digests[0]).then(|| digests.swap_remove(0))
        };
        until(AGREE_WAIT, look, || format!("the gateways agree; their logs: {}", self.logs())).await
    }

    /// What all gateways have logged.
    pub fn logs(&self) -> String {
        self.gateways.iter().map(|gateway| format!("{}:\n{}\n", gateway.name, gateway.log())).collect()
    }
}

/// In which directions packets are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Both.
    Both,
    /// What somebody sends.
    Out,
    /// What somebody would hear.
    In,
}

/// The app, its bot and an administrator.
fn first_contents() -> String {
    let contents = [
        json!({"method": "setApp", "app_id": APP, "name": "App", "app_builder": true, "use_whitelist": true}),
        json!({"method": "setBot", "bot_id": "90091784056528980", "name": "Bot", "apps": [APP],
            "grants": [{"permission": "signup_management", "app_id": APP}], "token": BOT}),
        json!({"method": "setBot", "bot_id": "1", "name": "Administrator", "grants": [{"permission": "admin"}], "token": ADMIN}),
        json!({"method": "setUser", "user_id": 1, "primary_email": "owner@example.com"}),
    ];
    contents.map(|message| format!("{message}\n")).concat()
}
