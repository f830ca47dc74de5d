//! This is where a peer talks WebSocket: whatever has arrived is answered, and then flushed once.

use std::net::Ipv4Addr;

use futures::{FutureExt, SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};

use crate::handler::SIGNED_IN;

/// Bytes read at once: tungstenite fills its whole buffer with zeros before each read, and its default is 128 KiB.
const READ_BYTES: usize = 4_096;

/// Serves on the port that the command line names, on one thread, until it is killed.
pub fn run<F>(answer: F)
where
    F: Fn(Utf8Bytes) -> Utf8Bytes + Clone + Send + Sync + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("there is a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port())).await.expect("the port is free");
        println!("listening on ws://{}", listener.local_addr().expect("it is bound"));
        loop {
            let (stream, _) = listener.accept().await.expect("there are descriptors left");
            let answer = answer.clone();
            tokio::spawn(async move { connection(stream, answer).await.ok() });
        }
    });
}

/// The port that the command line names; 0 takes a free one.
pub fn port() -> u16 {
    std::env::args().nth(1).map_or(0, |port| port.parse().expect("the first argument is a port"))
}

async fn connection(stream: TcpStream, answer: impl Fn(Utf8Bytes) -> Utf8Bytes) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(READ_BYTES);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    // The first frame signs in, also where what follows is merely echoed.
    if let Some(Ok(_)) = socket.next().await {
        socket.send(Message::text(SIGNED_IN)).await?;
    }
    while let Some(first) = socket.next().await {
        let mut next = Some(first);
        while let Some(message) = next {
            take(&mut socket, message?, &answer).await?;
            next = socket.next().now_or_never().flatten();
        }
        socket.flush().await?;
    }
    Ok(())
}

async fn take(
    socket: &mut WebSocketStream<TcpStream>,
    message: Message,
    answer: &impl Fn(Utf8Bytes) -> Utf8Bytes,
) -> Result<(), Error> {
    match message {
        Message::Text(text) => socket.feed(Message::Text(answer(text))).await,
        _ => Ok(()),
    }
}
