//! The server's process, where it runs on this machine: found by the port it listens on, and read from `/proc`.

use std::fs;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

/// A line of `/proc/net/tcp` in this state belongs to a listener.
const LISTENING: &str = "0A";

/// A process of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    pid: u32,
}

impl Process {
    /// The one that runs this.
    pub fn own() -> Self {
        Self { pid: std::process::id() }
    }

    /// The one of a number, if there is one that may be looked at.
    pub fn of(pid: u32) -> Option<Self> {
        let process = Self { pid };
        process.cpu().map(|_| process)
    }

    /// The one that listens on an address, if that is this machine's and the process may be looked at.
    pub fn listening_on(address: SocketAddr) -> Option<Self> {
        // Only an address of one's own can be bound.
        UdpSocket::bind((address.ip(), 0)).ok()?;
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
        let links: Vec<String> = tables
            .iter()
            .flat_map(|table| listeners(table, address))
            .map(|inode| format!("socket:[{inode}]"))
            .collect();
        let mut pids: Vec<u32> = fs::read_dir("/proc")
            .ok()?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid| holds(*pid, &links))
            .collect();
        // Of several that share the socket, the parent most likely came first.
        pids.sort_unstable();
        pids.first().map(|&pid| Self { pid })
    }

    pub fn pid(self) -> u32 {
        self.pid
    }

    /// The time it has run, user and system, in all its threads.
    pub fn cpu(self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        // The name comes before, in brackets, and may hold anything.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut ticks = fields.split_ascii_whitespace().skip(11).map(|ticks| ticks.parse::<u32>().ok());
        let ticks = f64::from(ticks.next()??) + f64::from(ticks.next()??);
        let a_second = u32::try_from(rustix::param::clock_ticks_per_second()).ok()?;
        Some(Duration::from_secs_f64(ticks / f64::from(a_second)))
    }

    /// What it has in memory.
    pub fn rss_bytes(self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let kibibytes: u64 =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kibibytes * 1024)
    }
}

/// The sockets that listen on a port: on the address itself where one does, else on any.
fn listeners(table: &str, address: SocketAddr) -> Vec<&str> {
    let port = format!("{:04X}", address.port());
    let mut found: Vec<(bool, &str)> = table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let (local_ip, local_port) = fields.nth(1)?.split_once(':')?;
            let is_listening = fields.nth(1)? == LISTENING;
            let inode = fields.nth(5)?;
            (is_listening && local_port == port).then(|| (local_ip == in_hexadecimal(address.ip()), inode))
        })
        .collect();
    if found.iter().any(|(is_exact, _)| *is_exact) {
        found.retain(|(is_exact, _)| *is_exact);
    }
    found.into_iter().map(|(_, inode)| inode).collect()
}

/// An address as the table has it: words of four bytes, each as the processor has it.
fn in_hexadecimal(ip: IpAddr) -> String {
    let bytes = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let words = bytes.as_chunks().0.iter().map(|word| format!("{:08X}", u32::from_ne_bytes(*word)));
    words.collect()
}

fn holds(pid: u32, links: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors.flatten().any(|descriptor| {
        fs::read_link(descriptor.path())
            .is_ok_and(|target| links.iter().any(|link| target.as_os_str() == link.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_server_is_found_by_its_port() {
        for ip in ["127.0.0.1", "[::1]", "0.0.0.0"] {
            // Where a machine has no IPv6 there is nothing to find.
            let Ok(listener) = TcpListener::bind(format!("{ip}:0")) else { continue };
            let port = listener.local_addr().expect("it is bound").port();
            let host = if ip == "0.0.0.0" { "127.0.0.1" } else { ip };
            let address = format!("{host}:{port}").parse().expect("it is an address");
            let found = Process::listening_on(address).expect("it listens");
            assert_eq!(found.pid(), std::process::id(), "{ip}");
            assert!(found.rss_bytes().is_some_and(|bytes| bytes > 0));
            drop(listener);
            assert!(Process::listening_on(address).is_none(), "nobody listens any more");
        }
        let elsewhere = "192.0.2.1:80".parse().expect("it is an address");
        assert!(Process::listening_on(elsewhere).is_none(), "another machine's address");
    }

    #[test]
    fn the_time_of_a_process_is_told() {
        assert!(Process::of(std::process::id()).and_then(Process::cpu).is_some());
        assert!(Process::of(u32::MAX).is_none());
    }
}
