//! This is where every process gets a host of its own, so that packets between any two can be lost, in one direction or both.
//!
//! A host is a network namespace with one link, to a router, which is a namespace too: a rule there loses what comes from one
//! address for another, silently, as a cable does that is cut. A route on the host itself would tell whoever sends that it
//! cannot. The test's own process is on the network as well, and reaches everybody always.

use std::collections::HashMap;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::path::Path;
use std::process::{self, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// What the names of all namespaces and links begin with; after it comes the process that made them.
const PREFIX: &str = "glt";

/// The ports of a process that has an address of its own.
const PORTS: [u16; 2] = [2379, 2380];

/// Networks of 254 addresses that there may be at once: all of 198.18.0.0/15, which is set aside for tests.
const NETWORKS: u32 = 512;

/// The last part of the test's own address.
const OWN: u8 = 1;
/// The last part of the first host's address.
const FIRST: u8 = 11;
/// The last part of the router's address, the same on all its links.
const ROUTER: u8 = 254;

/// Where processes run: a namespace, or this machine's loopback.
#[derive(Clone, Debug)]
pub struct Host {
    namespace: Option<String>,
    /// Where others find it.
    pub address: Ipv4Addr,
}

/// Some hosts that can be cut off from each other; gone when dropped.
pub struct Network {
    name: String,
    router: String,
    hosts: Vec<Host>,
    /// What is lost, from whom to whom, and how many want it so.
    cuts: Mutex<HashMap<(Ipv4Addr, Ipv4Addr), usize>>,
}

impl Host {
    /// The machine's own.
    pub fn loopback() -> Self {
        Self { namespace: None, address: Ipv4Addr::LOCALHOST }
    }

    /// A command that runs there, as the very process that is started.
    pub fn command(&self, program: &str) -> Command {
        let Some(namespace) = &self.namespace else { return Command::new(program) };
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace, program]);
        command
    }

    /// Two addresses there at which nobody listens.
    pub fn free_ports(&self) -> [SocketAddrV4; 2] {
        if self.namespace.is_some() {
            return PORTS.map(|port| SocketAddrV4::new(self.address, port));
        }
        // Both are held at once, so that they differ.
        let held = PORTS.map(|_| TcpListener::bind((self.address, 0)).expect("there is a free port"));
        held.map(|held| SocketAddrV4::new(self.address, held.local_addr().expect("it is bound").port()))
    }
}

impl Network {
    /// Some hosts that reach each other. It takes root, and a kernel that has namespaces and rules for routes.
    pub fn new(hosts: u8) -> Result<Self, String> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        remove_left_over();
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}", process::id());
        let router = format!("{name}-router");
        let mut network = Self { name, router, hosts: Vec::new(), cuts: Mutex::default() };
        let own = network.link_test(process::id() + number)?;
        for host in 0..hosts {
            network.link_host(own, host)?;
        }
        Ok(network)
    }

    /// The hosts.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// Loses from now on what one host sends to another.
    pub fn cut(&self, from: &Host, to: &Host) {
        let mut cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        let times = cuts.entry((from.address, to.address)).or_default();
        *times += 1;
        if *times == 1 {
            self.rule("add", from, to);
        }
    }

    /// Takes one such cut back.
    pub fn mend(&self, from: &Host, to: &Host) {
        let mut cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        let times = cuts.get_mut(&(from.address, to.address)).filter(|times| **times > 0).expect("it was cut");
        *times -= 1;
        if *times == 0 {
            self.rule("del", from, to);
        }
    }

    fn rule(&self, what: &str, from: &Host, to: &Host) {
        let rule = format!("rule {what} from {} to {} blackhole", from.address, to.address);
        batch(Some(&self.router), &rule).expect("the router takes rules");
    }

    /// Makes the router, and links this process with it, at an address of a network that nobody has yet.
    fn link_test(&self, begin_at: u32) -> Result<Ipv4Addr, String> {
        let Self { name, router, .. } = self;
        batch(
            None,
            &format!("netns add {router}\nlink add {name} type veth peer name test netns {router}\nlink set {name} up"),
        )?;
        batch(Some(router), "link set lo up\nlink set test up")?;
        let forward = Command::new("ip")
            .args(["netns", "exec", router, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"])
            .status();
        if !forward.is_ok_and(|status| status.success()) {
            return Err("a namespace cannot be made to forward packets".to_owned());
        }
        let mut refusal = String::new();
        for network in (0..NETWORKS).map(|n| (begin_at + n) % NETWORKS) {
            let [_, _, high, low] = network.to_be_bytes();
            let address = |last| Ipv4Addr::new(198, 18 + high, low, last);
            let (all, own, hub) = (address(0), address(OWN), address(ROUTER));
            // A route that there is already is refused, and so is the network.
            if let Err(error) = batch(None, &format!("route add {hub}/32 dev {name}")) {
                refusal = error;
                continue;
            }
            batch(None, &format!("addr add {own}/32 dev {name}\nroute add {all}/24 via {hub} dev {name}"))?;
            batch(Some(router), &format!("addr add {hub}/32 dev test\nroute add {own}/32 dev test"))?;
            return Ok(own);
        }
        Err(refusal)
    }

    fn link_host(&mut self, own: Ipv4Addr, number: u8) -> Result<(), String> {
        let [a, b, c, _] = own.octets();
        let (address, hub) = (Ipv4Addr::new(a, b, c, FIRST + number), Ipv4Addr::new(a, b, c, ROUTER));
        let Self { name, router, .. } = self;
        let namespace = format!("{name}-{number}");
        self.hosts.push(Host { namespace: Some(namespace.clone()), address });
        batch(None, &format!("netns add {namespace}"))?;
        let link = format!("link add eth0 type veth peer name host{number} netns {router}");
        let routes = format!("route add {hub}/32 dev eth0\nroute add default via {hub}");
        batch(
            Some(&namespace),
            &format!("link set lo up\n{link}\naddr add {address}/32 dev eth0\nlink set eth0 up\n{routes}"),
        )?;
        let port = format!("addr add {hub}/32 dev host{number}\nlink set host{number} up");
        batch(Some(router), &format!("{port}\nroute add {address}/32 dev host{number}"))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // What was not made cannot be removed either.
        batch(None, &format!("link del {}", self.name)).ok();
        let namespaces = self.hosts.iter().filter_map(|host| host.namespace.as_deref());
        namespaces.chain([&*self.router]).for_each(|namespace| drop(batch(None, &format!("netns del {namespace}"))));
    }
}

/// Removes what runs that were killed have left, and ends what still runs there.
fn remove_left_over() {
    let listed = Command::new("ip").args(["netns", "list"]).output().map(|output| output.stdout).unwrap_or_default();
    let listed = String::from_utf8_lossy(&listed);
    for namespace in listed.lines().filter_map(|line| line.split_whitespace().next()) {
        let maker = namespace.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if maker.is_none_or(|maker| maker.parse::<u32>().is_err() || Path::new("/proc").join(maker).exists()) {
            continue;
        }
        let left = Command::new("ip").args(["netns", "pids", namespace]).output().map(|output| output.stdout);
        for pid in String::from_utf8_lossy(&left.unwrap_or_default()).lines() {
            Command::new("sh").args(["-c", r#"kill -s KILL "$1""#, "sh", pid]).status().ok();
        }
        batch(None, &format!("netns del {namespace}")).ok();
    }
}

/// Has `ip` do things, each a line, here or in a namespace.
fn batch(namespace: Option<&str>, lines: &str) -> Result<(), String> {
    let mut command = Command::new("ip");
    if let Some(namespace) = namespace {
        command.args(["-n", namespace]);
    }
    command.args(["-batch", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("ip, of Debian's iproute2, does not run: {error}"))?;
    let mut stdin = child.stdin.take().expect("its input is a pipe");
    writeln!(stdin, "{lines}").map_err(|error| error.to_string())?;
    drop(stdin);
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned()),
    }
}
