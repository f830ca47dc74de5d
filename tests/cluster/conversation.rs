//! This is where a client's WebSocket is spread: there is one to each gateway, and what they say is made one conversation again.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{BoxStream, SelectAll, SplitSink, SplitStream, select_all};
use futures::{SinkExt, Stream, StreamExt, stream};
use guestlist::methods::{METHODS, Nature};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{self, Message};

use super::spread::{Failed, Members};

/// Above anything a gateway needs to answer, or to end a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sent behind every frame: the answer to it tells that the one to the frame has come whole.
const PING: &str = r#"{"method":"PING"}"#;

/// What gateways say in a welcome of their own: the time, and the last reference that was sent to them.
const OF_ITS_OWN: [&str; 2] = ["date", "localId"];

/// What of a welcome tells who has signed in last where.
const LAST_REFERENCE: &str = "localId";

/// A WebSocket with either end.
pub type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What came over a connection.
enum Came {
    /// A frame.
    Frame(Message),
    /// The end, by a close frame that may say why.
    Close(Option<CloseFrame>),
    /// The end without one.
    Gone,
}

/// A client, and its connection to each gateway.
pub struct Conversation {
    members: Arc<Members>,
    client: SplitSink<Socket, Message>,
    said: BoxStream<'static, Came>,
    gateways: Vec<Gateway>,
    /// What comes from the gateways, with their numbers.
    came: SelectAll<BoxStream<'static, (usize, Came)>>,
    /// The end that a gateway has made of it.
    end: Option<(usize, Came)>,
}

struct Gateway {
    sink: SplitSink<Socket, Message>,
    /// What came unasked and is no event: it says why the connection is closed next.
    last_words: Vec<Message>,
}

impl Conversation {
    /// One in which nobody has said anything yet.
    pub fn new(members: Arc<Members>, client: Socket, gateways: Vec<Socket>) -> Self {
        let (client, said) = client.split();
        let (sinks, streams): (Vec<_>, Vec<_>) = gateways.into_iter().map(StreamExt::split).unzip();
        let numbered = streams.into_iter().enumerate();
        let came = select_all(numbered.map(|(number, stream)| coming(stream).map(move |came| (number, came)).boxed()));
        let gateways = sinks.into_iter().map(|sink| Gateway { sink, last_words: Vec::new() }).collect();
        Self { members, client, said: coming(said).boxed(), gateways, came, end: None }
    }

    /// Goes on until the client or a gateway ends it.
    pub async fn run(mut self) -> Result<(), Failed> {
        let mut is_signed_in = false;
        while self.end.is_none() {
            tokio::select! {
                said = self.said.next() => match said {
                    Some(Came::Frame(message)) if is_signed_in => self.ask(message).await?,
                    Some(Came::Frame(message)) => {
                        self.sign_in(message).await?;
                        is_signed_in = true;
                    }
                    Some(Came::Close(close)) => return self.leave(close).await,
                    Some(Came::Gone) | None => return Ok(()),
                },
                came = self.came.next() => {
                    let (number, came) = came.ok_or("all gateways are gone")?;
                    self.take(number, came).await?;
                }
            }
        }
        self.finish().await
    }

    /// Sends the first frame to all gateways, which must answer alike. The client is told what one of them answers: the one that
    /// has heard of it last.
    async fn sign_in(&mut self, message: Message) -> Result<(), Failed> {
        self.members.level().await?;
        for gateway in &mut self.gateways {
            // How it ended tells more than that nothing can be sent any more.
            gateway.sink.send(message.clone()).await.ok();
        }
        let mut answers: Vec<Option<Value>> = vec![None; self.gateways.len()];
        let mut welcomes = Vec::new();
        while answers.contains(&None) {
            let (number, came) = self.next().await?;
            match came {
                Came::Frame(message) if method(&message).as_deref() == Some("TOKEN_AUTH_OK") => {
                    let mut welcome = value(&message).unwrap_or_default();
                    welcomes.push((welcome[LAST_REFERENCE].as_u64(), message));
                    OF_ITS_OWN.iter().for_each(|name| welcome[name] = Value::Null);
                    answers[number] = Some(welcome);
                }
                Came::Frame(message) => self.gateways[number].last_words.push(message),
                end => {
                    let words: Vec<String> = self.gateways[number].last_words.iter().map(ToString::to_string).collect();
                    answers[number] = Some(json!([words, end.told()]));
                    self.end.get_or_insert((number, end));
                }
            }
        }
        if answers.iter().any(|answer| *answer != answers[0]) {
            return Err(format!("the gateways answer a sign-in differently: {answers:?}").into());
        }
        match welcomes.into_iter().max_by_key(|(last_reference, _)| *last_reference) {
            Some((_, welcome)) => self.tell(welcome).await,
            None => Ok(()),
        }
    }

    /// Has a frame answered by the next gateway, or by the first where it is about the connection itself, which is that with the
    /// first gateway. What others say waits until the answer has come.
    ///
    /// A change waits for no gateway to know of those before: it is made, or refused, as etcd orders it.
    async fn ask(&mut self, message: Message) -> Result<(), Failed> {
        let nature = nature(&message);
        if nature != Some(Nature::Change) {
            self.members.level().await?;
        }
        let asked = if nature == Some(Nature::Wish) { self.members.first() } else { self.members.next() };
        let mut pongs = if method(&message).as_deref() == Some("PING") { 2 } else { 1 };
        for message in [message, Message::text(PING)] {
            self.gateways[asked].sink.send(message).await.ok();
        }
        let mut waiting = Vec::new();
        loop {
            let (number, came) = self.next().await?;
            match came {
                came if number != asked => waiting.push((number, came)),
                Came::Frame(message) => {
                    pongs -= usize::from(method(&message).as_deref() == Some("PONG"));
                    if pongs == 0 {
                        break;
                    }
                    self.tell(message).await?;
                }
                end => {
                    self.end = Some((number, end));
                    break;
                }
            }
        }
        for (number, came) in waiting {
            self.take(number, came).await?;
        }
        Ok(())
    }

    /// Takes what came unasked: an event goes on to the client, a farewell when it is known to be one.
    async fn take(&mut self, number: usize, came: Came) -> Result<(), Failed> {
        match came {
            Came::Frame(message) if method(&message).is_some_and(|method| method.ends_with("Message")) => {
                return self.tell(message).await;
            }
            Came::Frame(message) => self.gateways[number].last_words.push(message),
            end => {
                self.end.get_or_insert((number, end));
            }
        }
        Ok(())
    }

    /// Ends it as a gateway did.
    async fn finish(mut self) -> Result<(), Failed> {
        let Some((number, end)) = self.end.take() else { return Ok(()) };
        for message in std::mem::take(&mut self.gateways[number].last_words) {
            self.tell(message).await?;
        }
        self.part(None).await?;
        if let Came::Close(close) = end {
            self.tell(Message::Close(close)).await?;
            self.drain_client().await?;
        }
        Ok(())
    }

    /// Ends it as the client did, who is only followed when the gateways know.
    async fn leave(mut self, close: Option<CloseFrame>) -> Result<(), Failed> {
        self.part(close).await?;
        self.drain_client().await
    }

    /// Ends the connections to all gateways.
    async fn part(&mut self, close: Option<CloseFrame>) -> Result<(), Failed> {
        for gateway in &mut self.gateways {
            gateway.sink.send(Message::Close(close.clone())).await.ok();
        }
        let ended = timeout(PATIENCE, async { while self.came.next().await.is_some() {} }).await;
        ended.map_err(|_| format!("a gateway has not ended a connection within {PATIENCE:?}").into())
    }

    /// Reads until the client has ended the connection, so that it hears of the end too.
    async fn drain_client(&mut self) -> Result<(), Failed> {
        let ended = timeout(PATIENCE, async { while self.said.next().await.is_some() {} }).await;
        ended.map_err(|_| format!("the client has not ended a connection within {PATIENCE:?}").into())
    }

    async fn next(&mut self) -> Result<(usize, Came), Failed> {
        let next = timeout(PATIENCE, self.came.next()).await;
        next.map_err(|_| format!("a gateway has not answered within {PATIENCE:?}"))?
            .ok_or("all gateways are gone".into())
    }

    async fn tell(&mut self, message: Message) -> Result<(), Failed> {
        self.client.send(message).await.map_err(|error| format!("the client cannot be told: {error}").into())
    }
}

impl Came {
    /// Nothing, where it is no matter of clients and gateways.
    fn of(read: tungstenite::Result<Message>) -> Option<Self> {
        Some(match read {
            Ok(Message::Ping(_) | Message::Pong(_)) => return None,
            Ok(Message::Close(close)) => Self::Close(close),
            Ok(message) => Self::Frame(message),
            // It was taken off the connection; any text like it does as well.
            Err(Error::Utf8(_)) => {
                Self::Frame(Message::Frame(Frame::message(vec![0xff], OpCode::Data(Data::Text), true)))
            }
            Err(_) => Self::Gone,
        })
    }

    fn told(&self) -> Value {
        match self {
            Self::Close(Some(close)) => json!([u16::from(close.code), close.reason.as_str()]),
            Self::Close(None) => json!([]),
            Self::Frame(_) | Self::Gone => Value::Null,
        }
    }
}

/// What comes over a connection, the end once. It is read on after that, for then what it owes is sent.
fn coming(stream: SplitStream<Socket>) -> impl Stream<Item = Came> + Send + 'static {
    let read = stream.filter_map(|read| ready(Came::of(read))).chain(stream::once(ready(Came::Gone)));
    let once = read.scan(false, |is_over, came| {
        let was_over = std::mem::replace(is_over, *is_over || !matches!(came, Came::Frame(_)));
        ready(Some((!was_over).then_some(came)))
    });
    once.filter_map(ready)
}

/// What a frame asks for, where it names a method.
fn nature(message: &Message) -> Option<Nature> {
    let name = method(message)?;
    METHODS.iter().find(|method| method.call.method == name).map(|method| method.nature)
}

fn method(message: &Message) -> Option<String> {
    Some(value(message)?.get("method")?.as_str()?.to_owned())
}

fn value(message: &Message) -> Option<Value> {
    match message {
        Message::Text(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}
