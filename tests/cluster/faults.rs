//! This is where everything that can go wrong with a cluster does, in an order that a seed makes.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep_until};

use super::cluster::{Cluster, EACH, Way};

/// How long a fault lasts, in milliseconds: from what nobody may notice to what takes a new leader, or a new lease, to get over.
const FAULT_MS: std::ops::Range<u64> = 200..3_500;

/// How long a gateway is frozen: longer than its lease.
const FREEZE: Duration = Duration::from_secs(15);

/// Between two freezes.
const FREEZE_INTERVAL: Duration = Duration::from_secs(75);

/// Of so many faults one is followed by the next before all are over it.
const OVERLAP: u32 = 3;

/// Everything that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A gateway is killed.
    GatewayKilled,
    /// A gateway is killed, and its copy is gone.
    GatewayEmptied,
    /// A gateway hears nobody and does nothing for longer than its lease, and goes on as if nothing had been.
    GatewayFrozen,
    /// A member of etcd is killed.
    MemberKilled,
    /// A member of etcd does nothing for a while.
    MemberFrozen,
    /// All members are killed at once.
    AllMembersKilled,
    /// A gateway and all members lose what they send to each other, in some direction.
    GatewayCutOff(Way),
    /// A gateway is cut off, and misses what etcd forgets.
    GatewayMissesCompaction,
    /// A gateway and one member lose what they send to each other.
    GatewayCutFromOne(Way),
    /// A member and the others do.
    MemberCutOff(Way),
}

impl Fault {
    /// Each kind.
    const ALL: &[Self] = &[
        Self::GatewayKilled,
        Self::GatewayEmptied,
        Self::GatewayFrozen,
        Self::MemberKilled,
        Self::MemberFrozen,
        Self::AllMembersKilled,
        Self::GatewayCutOff(Way::Both),
        Self::GatewayCutOff(Way::Out),
        Self::GatewayCutOff(Way::In),
        Self::GatewayMissesCompaction,
        Self::GatewayCutFromOne(Way::Both),
        Self::GatewayCutFromOne(Way::Out),
        Self::GatewayCutFromOne(Way::In),
        Self::MemberCutOff(Way::Both),
        Self::MemberCutOff(Way::Out),
        Self::MemberCutOff(Way::In),
    ];

    /// Whether it takes a network that packets are lost in.
    fn is_of_network(self) -> bool {
        let is_cut = matches!(self, Self::GatewayCutOff(_) | Self::GatewayCutFromOne(_) | Self::MemberCutOff(_));
        is_cut || self == Self::GatewayMissesCompaction
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = |way: &Way| match way {
            Way::Both => "",
            Way::Out => ", one way out",
            Way::In => ", one way in",
        };
        match self {
            Self::GatewayKilled => write!(f, "gateway killed"),
            Self::GatewayEmptied => write!(f, "gateway killed and emptied"),
            Self::GatewayFrozen => write!(f, "gateway frozen"),
            Self::MemberKilled => write!(f, "etcd member killed"),
            Self::MemberFrozen => write!(f, "etcd member frozen"),
            Self::AllMembersKilled => write!(f, "all etcd members killed"),
            Self::GatewayCutOff(cut) => write!(f, "gateway cut off from etcd{}", way(cut)),
            Self::GatewayMissesCompaction => write!(f, "gateway cut off while etcd is compacted"),
            Self::GatewayCutFromOne(cut) => write!(f, "gateway cut off from one etcd member{}", way(cut)),
            Self::MemberCutOff(cut) => write!(f, "etcd member cut off from the others{}", way(cut)),
        }
    }
}

/// What went wrong, and how long it took all to get over it.
#[derive(Debug, Default)]
pub struct Happened {
    /// How often each fault was.
    pub counts: BTreeMap<Fault, usize>,
    /// The longest time that all gateways took to be ready after a fault was over.
    pub longest_recovery: Duration,
}

/// Faults, one after the other, while at most one gateway is frozen beside them.
pub struct Faults<'a> {
    cluster: &'a mut Cluster,
    random: StdRng,
    since: Instant,
    frozen: Option<(usize, Instant)>,
    happened: Happened,
}

impl<'a> Faults<'a> {
    /// Those that a seed makes of a cluster.
    pub fn new(cluster: &'a mut Cluster, seed: u64) -> Self {
        let (random, happened) = (StdRng::seed_from_u64(seed), Happened::default());
        Self { cluster, random, since: Instant::now(), frozen: None, happened }
    }

    /// Has each go wrong once, and then any, for some time at least; in the end nothing is in anybody's way any more.
    pub async fn go_wrong(mut self, length: Duration) -> Happened {
        let can_cut = self.cluster.network.is_some();
        let kinds = Fault::ALL.iter().copied().filter(|fault| can_cut || !fault.is_of_network());
        // Which goes on beside all others.
        let kinds: Vec<Fault> = kinds.filter(|fault| *fault != Fault::GatewayFrozen).collect();
        let mut first = kinds.clone();
        first.shuffle(&mut self.random);
        let mut freeze_at = self.since;
        while self.since.elapsed() < length || !first.is_empty() {
            if self.frozen.is_none() && Instant::now() >= freeze_at {
                self.freeze();
                freeze_at += FREEZE_INTERVAL;
            }
            let fault = first.pop().unwrap_or_else(|| *kinds.choose(&mut self.random).expect("there are some"));
            self.strike(fault).await;
            if self.random.random_range(0..OVERLAP) > 0 {
                self.must_recover().await;
            }
            self.thaw_if(Instant::now()).await;
        }
        if let Some((_, until)) = self.frozen {
            sleep_until(until).await;
            self.thaw_if(until).await;
        }
        self.must_recover().await;
        self.happened
    }

    /// Has something go wrong for a while.
    async fn strike(&mut self, fault: Fault) {
        let lasts = Duration::from_millis(self.random.random_range(FAULT_MS));
        let (gateway, member) = (self.gateway(fault), self.random.random_range(0..EACH));
        let others: Vec<usize> = (0..EACH).filter(|other| *other != member).collect();
        let all: Vec<usize> = (0..EACH).collect();
        let who = match fault {
            Fault::MemberKilled | Fault::MemberFrozen | Fault::MemberCutOff(_) => format!("etcd{}", member + 1),
            Fault::AllMembersKilled => "all".to_owned(),
            Fault::GatewayCutFromOne(_) => format!("gateway{} and etcd{}", gateway + 1, member + 1),
            _ => format!("gateway{}", gateway + 1),
        };
        self.note(format_args!("{fault} ({who}), for {lasts:.1?}"));
        *self.happened.counts.entry(fault).or_default() += 1;
        let over = Instant::now() + lasts;
        let Cluster { gateways, etcd, .. } = &mut *self.cluster;
        match fault {
            Fault::GatewayKilled | Fault::GatewayEmptied => {
                gateways[gateway].kill();
                if fault == Fault::GatewayEmptied {
                    gateways[gateway].empty();
                }
                sleep_until(over).await;
                gateways[gateway].start();
            }
            Fault::GatewayFrozen => unreachable!("it goes on beside the others"),
            Fault::MemberKilled => {
                etcd.kill(member);
                sleep_until(over).await;
                etcd.restart(member);
            }
            Fault::MemberFrozen => {
                etcd.signal(member, "STOP");
                sleep_until(over).await;
                etcd.signal(member, "CONT");
            }
            Fault::AllMembersKilled => {
                (0..EACH).for_each(|member| etcd.kill(member));
                sleep_until(over).await;
                (0..EACH).for_each(|member| etcd.restart(member));
            }
            Fault::GatewayCutOff(way) => {
                self.cluster.cut(gateway, &all, way);
                sleep_until(over).await;
                self.cluster.mend(gateway, &all, way);
            }
            Fault::GatewayMissesCompaction => {
                self.cluster.cut(gateway, &all, Way::Both);
                sleep_until(over).await;
                self.cluster.etcd.compact(self.cluster.etcd.revision());
                self.cluster.mend(gateway, &all, Way::Both);
            }
            Fault::GatewayCutFromOne(way) => {
                self.cluster.cut(gateway, &[member], way);
                sleep_until(over).await;
                self.cluster.mend(gateway, &[member], way);
            }
            Fault::MemberCutOff(way) => {
                self.cluster.cut_member(member, &others, way);
                sleep_until(over).await;
                self.cluster.mend_member(member, &others, way);
            }
        }
    }

    /// A gateway for a fault to befall that is not frozen. Nothing befalls the first after which it may have to begin anew, so that its
    /// copy of the journal has all changes.
    fn gateway(&mut self, fault: Fault) -> usize {
        let frozen = self.frozen.map(|(gateway, _)| gateway);
        let begins_anew =
            matches!(fault, Fault::GatewayEmptied | Fault::GatewayFrozen | Fault::GatewayMissesCompaction);
        let first = usize::from(begins_anew);
        let can: Vec<usize> = (first..EACH).filter(|gateway| Some(*gateway) != frozen).collect();
        *can.choose(&mut self.random).expect("one is frozen at most")
    }

    fn freeze(&mut self) {
        let gateway = self.gateway(Fault::GatewayFrozen);
        self.note(format_args!("{} (gateway{}), for {FREEZE:.1?}", Fault::GatewayFrozen, gateway + 1));
        self.cluster.gateways[gateway].signal("STOP");
        self.frozen = Some((gateway, Instant::now() + FREEZE));
        *self.happened.counts.entry(Fault::GatewayFrozen).or_default() += 1;
    }

    /// Lets a frozen gateway go on, where it is time.
    async fn thaw_if(&mut self, now: Instant) {
        if let Some((gateway, _)) = self.frozen.take_if(|(_, until)| now >= *until) {
            self.note(format_args!("gateway{} goes on", gateway + 1));
            self.cluster.gateways[gateway].signal("CONT");
        }
    }

    /// Waits until all gateways are ready, the frozen one aside.
    async fn must_recover(&mut self) {
        let since = Instant::now();
        for (n, gateway) in self.cluster.gateways.iter_mut().enumerate() {
            if self.frozen.is_none_or(|(frozen, _)| frozen != n) {
                gateway.must_be_ready().await;
            }
        }
        self.note(format_args!("all are ready, after {:.1?}", since.elapsed()));
        self.happened.longest_recovery = self.happened.longest_recovery.max(since.elapsed());
    }

    fn note(&self, what: fmt::Arguments<'_>) {
        println!("{:6.1} s: {what}", self.since.elapsed().as_secs_f64());
    }
}
