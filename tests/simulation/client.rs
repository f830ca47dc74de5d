//! One client of a world: it connects, changes its entries, asks for them, misbehaves, and holds every answer against what it
//! knows.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use guestlist::world::Strings;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::disk::Seen;
use super::line::Line;
use super::lists::{Change, List, SLOTS, Whose, may_sign_up, token};
use super::model::{Model, Standing};
use super::trace::Trace;

/// How long an answer may take where nothing is in its way; no time passes while anybody works.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a client cannot go on: what the gateway did is wrong.
pub type Wrong = String;

/// One client, through all lives of its gateway.
pub struct Client {
    id: u32,
    clients: u32,
    random: StdRng,
    model: Model,
    trace: Trace,
    version: u32,
    reference: u64,
    /// What was sent on the connection and is not answered, in order.
    sent: VecDeque<Sent>,
    /// Whether the gateway was restarted since the client looked.
    after_restart: bool,
    /// What was seen so far of all lists, while the client looks.
    seen: Standing,
    /// Whether it reads nothing for the moment.
    is_deaf: bool,
    /// Answers that were right.
    pub answers: u64,
}

/// What a client has of the gateway's present life.
#[derive(Clone, Debug)]
pub struct Life {
    /// The way to it.
    pub strings: Strings,
    /// What is seen of its disk.
    pub disk: Arc<Seen>,
    /// Whether changes may be refused for the disk's sake.
    pub may_fail: bool,
    /// Whether the disk is full, or was until just now.
    pub is_full: Arc<AtomicBool>,
    /// Whether it is being stopped.
    pub stops: Arc<AtomicBool>,
}

/// A message that waits for its answer.
#[derive(Debug)]
struct Sent {
    reference: u64,
    what: What,
    /// Whether it was sent after a flush had failed: then nothing may be acknowledged.
    after_failure: bool,
}

#[derive(Debug)]
enum What {
    SignIn,
    Change(Change),
    /// A whole list, to be compared with what the client knows.
    Compare(List),
    /// The same, to find out what became of changes that were not answered.
    Look(List),
    MaySignUp(u32),
    Ping,
    Nonsense,
}

/// Why a session ended.
enum End {
    /// The connection did.
    Gone,
    Wrong(Wrong),
}

type Socket = WebSocketStream<Line>;

impl Client {
    /// A client that draws what it does from a seed.
    pub fn new(id: u32, clients: u32, seed: u64, trace: Trace) -> Self {
        let random = StdRng::seed_from_u64(seed ^ u64::from(id + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self {
            id,
            clients,
            random,
            model: Model::default(),
            trace,
            version: 0,
            reference: 0,
            sent: VecDeque::new(),
            after_restart: false,
            seen: Standing::default(),
            is_deaf: false,
            answers: 0,
        }
    }

    /// How many entries it knows to be there.
    pub fn entries(&self) -> usize {
        self.model.standing().len()
    }

    /// Notes that the gateway it was connected to is gone.
    pub fn was_cut_off(&mut self) {
        self.lose();
        self.after_restart = true;
    }

    /// Connects again and again, until its gateway is gone.
    pub async fn live(&mut self, life: &Life) -> Result<(), Wrong> {
        loop {
            // Nothing of this client is under way when time passes.
            sleep(Duration::from_millis(self.random.random_range(1..=20))).await;
            let by_socket = self.random.random_ratio(5, 6);
            let ended = if by_socket { self.session(life).await } else { self.request(life).await };
            self.lose();
            match ended {
                Ok(()) | Err(End::Gone) => {}
                Err(End::Wrong(wrong)) => return Err(format!("client {}: {wrong}", self.id)),
            }
        }
    }

    /// Looks at all its lists once, when nothing else happens.
    pub async fn audit(&mut self, life: &Life) -> Result<(), Wrong> {
        sleep(Duration::from_millis(1)).await;
        let looked = async {
            let mut socket = self.connect(life, None).await?;
            self.look(&mut socket, life).await
        };
        match looked.await {
            Ok(()) => Ok(()),
            Err(End::Gone) => Err(format!("client {}: a quiet gateway closed the connection", self.id)),
            Err(End::Wrong(wrong)) => Err(format!("client {}: {wrong}", self.id)),
        }
    }

    /// What was sent and not answered was perhaps done.
    fn lose(&mut self) {
        self.is_deaf = false;
        for sent in self.sent.drain(..) {
            if let What::Change(change) = sent.what {
                self.model.perhaps_made(change);
            }
        }
    }

    async fn connect(&mut self, life: &Life, breaks_after: Option<usize>) -> Result<Socket, End> {
        let (line, _) = self.dial(life, breaks_after)?;
        let shaken = timeout(PATIENCE, client_async("ws://simulated/nandbox/api/", line)).await;
        let (mut socket, _) = shaken.map_err(|_| wrong("the handshake hangs"))?.map_err(|_| End::Gone)?;
        self.trace.note(format_args!("{} connected", self.id));
        self.send(&mut socket, life, What::SignIn, "TOKEN_AUTH", json!({"token": token(self.id), "rem": true})).await?;
        self.flush(&mut socket, life).await?;
        self.hear_all(&mut socket, life).await?;
        Ok(socket)
    }

    fn dial(&mut self, life: &Life, breaks_after: Option<usize>) -> Result<(Line, SocketAddr), End> {
        let host = u8::try_from(self.id + 1).expect("clients are few");
        let from = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, host)), 1_024);
        let bytes = [64, 512, 4_096, 65_536][self.random.random_range(0..4)];
        let stream = life.strings.network.connect(from, bytes).map_err(|_| End::Gone)?;
        Ok((Line::new(stream, breaks_after), from))
    }

    async fn session(&mut self, life: &Life) -> Result<(), End> {
        let breaks_after = self.random.random_ratio(1, 6).then(|| self.random.random_range(1..3_000));
        let mut socket = self.connect(life, breaks_after).await?;
        if self.after_restart || !self.model.is_certain() {
            self.look(&mut socket, life).await?;
        }
        for _ in 0..self.random.random_range(1..12) {
            match self.random.random_range(0..20) {
                0..10 => self.burst(&mut socket, life, 12).await?,
                10..13 => sleep(Duration::from_millis(self.random.random_range(0..50))).await,
                13 => return self.leave(socket, life).await,
                14 => return self.stall(socket, life).await,
                15 => {
                    // Long enough to be pinged, or to be given up.
                    sleep(Duration::from_secs(self.random.random_range(1..150))).await;
                    self.hear_all(&mut socket, life).await?;
                }
                16 => {
                    self.fill(&mut socket, life, 6).await?;
                    self.flush(&mut socket, life).await?;
                    self.trace.note(format_args!("{} cut", self.id));
                    return Err(End::Gone);
                }
                _ => {
                    let list = self.any_list();
                    self.ask(&mut socket, life, list, false).await?;
                    self.flush(&mut socket, life).await?;
                    self.hear_all(&mut socket, life).await?;
                }
            }
        }
        self.leave(socket, life).await
    }

    /// Sends several messages in one go, and hears all answers.
    async fn burst(&mut self, socket: &mut Socket, life: &Life, messages_max: u32) -> Result<(), End> {
        self.fill(socket, life, messages_max).await?;
        self.flush(socket, life).await?;
        self.hear_all(socket, life).await
    }

    async fn fill(&mut self, socket: &mut Socket, life: &Life, messages_max: u32) -> Result<(), End> {
        for _ in 0..self.random.random_range(1..=messages_max) {
            match self.random.random_range(0..20) {
                0 | 1 => {
                    let list = self.any_list();
                    self.ask(socket, life, list, false).await?;
                }
                2 => {
                    let slot = self.random.random_range(0..SLOTS);
                    let (method, fields) = may_sign_up(self.id, slot);
                    self.send(socket, life, What::MaySignUp(slot), method, fields).await?;
                }
                3 => self.send(socket, life, What::Ping, "PING", json!({})).await?,
                4 => self.send(socket, life, What::Nonsense, "getNothing", json!({})).await?,
                _ => {
                    let change = self.any_change();
                    let (method, fields) = change.message(self.id);
                    self.send(socket, life, What::Change(change), method, fields).await?;
                }
            }
        }
        Ok(())
    }

    /// Closes the connection in good order.
    async fn leave(&mut self, mut socket: Socket, life: &Life) -> Result<(), End> {
        timeout(PATIENCE, socket.close(None)).await.map_err(|_| wrong("closing hangs"))?.map_err(|_| End::Gone)?;
        loop {
            self.hear(&mut socket, life).await?;
        }
    }

    /// Asks for much and reads nothing for a while; the gateway may give up, but not answer otherwise than in order.
    async fn stall(&mut self, mut socket: Socket, life: &Life) -> Result<(), End> {
        let messages = self.random.random_range(1..40);
        self.is_deaf = true;
        let sent = timeout(Duration::from_secs(self.random.random_range(1..60)), async {
            for _ in 0..messages {
                let list = self.any_list();
                self.ask(&mut socket, life, list, false).await?;
                self.flush(&mut socket, life).await?;
            }
            Ok(())
        });
        let sent = sent.await;
        self.is_deaf = false;
        match sent {
            Ok(Ok(())) => {
                sleep(Duration::from_secs(self.random.random_range(1..60))).await;
                self.hear_all(&mut socket, life).await?;
            }
            Ok(Err(end)) => return Err(end),
            // What is half-written cannot be gone on with.
            Err(_) => self.trace.note(format_args!("{} stalled", self.id)),
        }
        Err(End::Gone)
    }

    /// Asks for all lists, to find out what became of changes that were not answered.
    async fn look(&mut self, socket: &mut Socket, life: &Life) -> Result<(), End> {
        self.seen.clear();
        for list in List::ALL {
            self.ask(socket, life, list, true).await?;
        }
        self.flush(socket, life).await?;
        self.hear_all(socket, life).await?;
        self.model.see(&self.seen, self.after_restart).map_err(End::Wrong)?;
        self.after_restart = false;
        Ok(())
    }

    async fn ask(&mut self, socket: &mut Socket, life: &Life, list: List, looks: bool) -> Result<(), End> {
        let (method, fields) = list.query();
        let what = if looks { What::Look(list) } else { What::Compare(list) };
        self.send(socket, life, what, method, fields).await
    }

    async fn send(
        &mut self,
        socket: &mut Socket,
        life: &Life,
        what: What,
        method: &str,
        mut fields: Value,
    ) -> Result<(), End> {
        fields["method"] = method.into();
        let text = self.note_sent(life, what, fields);
        self.write(socket, life, |socket, context| socket.poll_ready_unpin(context)).await?;
        socket.start_send_unpin(Message::text(text)).map_err(|_| End::Gone)
    }

    /// Writes on until that is done, and hears what comes meanwhile: who only writes may wait for a gateway that does the same.
    async fn write(
        &mut self,
        socket: &mut Socket,
        life: &Life,
        mut write: impl FnMut(&mut Socket, &mut Context<'_>) -> Poll<tungstenite::Result<()>>,
    ) -> Result<(), End> {
        loop {
            let is_deaf = self.is_deaf;
            let next = poll_fn(|context| match write(socket, context) {
                Poll::Ready(written) => Poll::Ready(Ok(written)),
                Poll::Pending if is_deaf => Poll::Pending,
                Poll::Pending => socket.poll_next_unpin(context).map(Err),
            });
            // A stalled gateway holds nobody up longer than it waits itself.
            match timeout(PATIENCE * 4, next).await {
                Ok(Ok(written)) => return written.map_err(|_| End::Gone),
                Ok(Err(heard)) => self.heard(heard, life)?,
                Err(_) => return Err(wrong("the gateway neither reads nor ends the connection")),
            }
        }
    }

    fn note_sent(&mut self, life: &Life, what: What, mut fields: Value) -> String {
        self.reference += 1;
        fields["reference"] = self.reference.into();
        let text = fields.to_string();
        self.trace.note(format_args!("{} > {text}", self.id));
        let after_failure = life.disk.has_failed.load(Ordering::Relaxed);
        self.sent.push_back(Sent { reference: self.reference, what, after_failure });
        text
    }

    async fn flush(&mut self, socket: &mut Socket, life: &Life) -> Result<(), End> {
        self.write(socket, life, |socket, context| socket.poll_flush_unpin(context)).await
    }

    async fn hear_all(&mut self, socket: &mut Socket, life: &Life) -> Result<(), End> {
        while !self.sent.is_empty() {
            self.hear(socket, life).await?;
        }
        Ok(())
    }

    /// Hears one frame.
    async fn hear(&mut self, socket: &mut Socket, life: &Life) -> Result<(), End> {
        let heard = timeout(PATIENCE, socket.next()).await.map_err(|_| {
            let first = self.sent.front();
            wrong(format!("no answer comes, nor does the connection end; waiting for {first:?}"))
        })?;
        self.heard(heard, life)
    }

    fn heard(&mut self, heard: Option<tungstenite::Result<Message>>, life: &Life) -> Result<(), End> {
        match heard {
            Some(Ok(Message::Text(text))) => self.take(&text, life).map_err(End::Wrong),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Close(close))) => {
                self.trace.note(format_args!("{} closed {close:?}", self.id));
                Ok(())
            }
            Some(Ok(other)) => Err(wrong(format!("a frame that nobody asked for: {other:?}"))),
            Some(Err(_)) | None => {
                self.trace.note(format_args!("{} gone", self.id));
                Err(End::Gone)
            }
        }
    }

    /// One message over HTTP, on a connection of its own.
    async fn request(&mut self, life: &Life) -> Result<(), End> {
        if self.after_restart || !self.model.is_certain() {
            return Ok(());
        }
        let breaks_after = self.random.random_ratio(1, 8).then(|| self.random.random_range(1..400));
        let (mut line, _) = self.dial(life, breaks_after)?;
        let (method, fields, what) = if self.random.random_ratio(1, 4) {
            let list = self.any_list();
            let (method, fields) = list.query();
            (method, fields, What::Compare(list))
        } else {
            let change = self.any_change();
            let (method, fields) = change.message(self.id);
            (method, fields, What::Change(change))
        };
        let body = self.note_sent(life, what, fields);
        let (bearer, length) = (token(self.id), body.len());
        let request = format!(
            "POST /api/{method} HTTP/1.1\r\nhost: simulated\r\nauthorization: Bearer {bearer}\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let mut answer = String::new();
        let answered = timeout(PATIENCE * 4, async {
            line.write_all(request.as_bytes()).await?;
            line.read_to_string(&mut answer).await
        });
        match answered.await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Err(End::Gone),
            Err(_) => return Err(wrong("a request hangs")),
        }
        match answer.split_once("\r\n\r\n") {
            Some((_, body)) if !body.is_empty() => self.take(body, life).map_err(End::Wrong),
            _ => Err(End::Gone),
        }
    }

    fn any_list(&mut self) -> List {
        List::ALL[self.random.random_range(0..List::ALL.len())]
    }

    fn any_change(&mut self) -> Change {
        let list = self.any_list();
        let first = self.random.random_range(0..SLOTS);
        let mut slots = vec![first];
        if list.takes_many() {
            slots.extend((first + 1..SLOTS).filter(|_| self.random.random_ratio(1, 4)));
        }
        self.version += 1;
        Change { list, slots, put: self.random.random_ratio(2, 3).then_some(self.version) }
    }

    /// Holds an answer against what was sent first of what is not answered, and against what is known.
    fn take(&mut self, text: &str, life: &Life) -> Result<(), Wrong> {
        self.trace.note(format_args!("{} < {text}", self.id));
        let answer: Value = serde_json::from_str(text).map_err(|error| format!("no JSON came: {error}: {text}"))?;
        let Some(Sent { reference, what, after_failure }) = self.sent.pop_front() else {
            return Err(format!("an answer came to nothing: {text}"));
        };
        let wrong = |why: &str| format!("{why}\n  to:   {what:?}\n  came: {text}");
        if !matches!(what, What::Ping | What::SignIn) && answer["reference"] != reference {
            return Err(wrong(&format!("an answer is not in its turn, which is that of {reference}")));
        }
        self.answers += 1;
        match &what {
            What::SignIn => is_method(&answer, "TOKEN_AUTH_OK").ok_or_else(|| wrong("signing in was refused")),
            What::Ping => is_method(&answer, "PONG").ok_or_else(|| wrong("a PING was not answered")),
            What::Nonsense => (answer["error"] == 405).then_some(()).ok_or_else(|| wrong("nonsense was not refused")),
            What::MaySignUp(slot) => {
                let has = |list| self.model.standing().contains_key(&(list, *slot));
                let may = !has(List::Blacklist) && has(List::Whitelist);
                (answer["decision"] == may).then_some(()).ok_or_else(|| wrong("a decision is not as the lists say"))
            }
            What::Compare(list) => {
                let seen = self.own(*list, &answer)?;
                let known = self.model.standing().range((*list, 0)..=(*list, u32::MAX));
                let same = known.map(|(key, version)| (*key, *version)).eq(seen);
                same.then_some(()).ok_or_else(|| {
                    format!("{}; known: {:?}", wrong("a list is not as acknowledged"), self.model.standing())
                })
            }
            What::Look(list) => {
                let seen = self.own(*list, &answer)?;
                self.seen.extend(seen);
                Ok(())
            }
            What::Change(change) => {
                if answer["error"] == 503 {
                    let has_reason = [&life.is_full, &life.stops].iter().any(|reason| reason.load(Ordering::Relaxed));
                    if !life.may_fail && !has_reason {
                        return Err(wrong("a change was refused, though nothing is wrong with the disk"));
                    }
                    // Else it says that nothing was done, and is held to it.
                    if text.contains("may be there after a restart") {
                        self.model.perhaps_made(change.clone());
                    }
                    return Ok(());
                }
                if answer.get("error").is_some() != self.model.refuses(change) {
                    return Err(wrong("a change was not answered as it should be"));
                }
                // What changes nothing is answered from what is known, and says nothing about the disk.
                if answer.get("error").is_none() && self.changes_something(change) {
                    if after_failure {
                        return Err(wrong("a change was acknowledged after a flush had failed"));
                    }
                    self.model.made(change);
                }
                Ok(())
            }
        }
    }

    fn changes_something(&self, change: &Change) -> bool {
        let differs = |slot: &u32| {
            let standing = self.model.standing().get(&(change.list, *slot));
            standing.copied() != change.put.map(|version| change.list.shown(version))
        };
        change.slots.iter().any(differs)
    }

    /// This client's entries on a list, in the order of their slots.
    fn own(&self, list: List, answer: &Value) -> Result<Standing, Wrong> {
        let entries = list.entries(answer).ok_or_else(|| format!("a list was not given: {answer}"))?;
        let own = entries.filter_map(|(whose, entry)| match whose {
            Whose::Client { owner, slot, version } if owner == self.id => Some(Ok(((list, slot), version))),
            Whose::Client { owner, .. } if owner < self.clients => None,
            Whose::Seeded => None,
            _ => Some(Err(format!("there is an entry that nobody put there: {entry}"))),
        });
        own.collect()
    }
}

fn is_method(answer: &Value, method: &str) -> Option<()> {
    (answer["method"] == method).then_some(())
}

fn wrong(why: impl Into<String>) -> End {
    End::Wrong(why.into())
}
