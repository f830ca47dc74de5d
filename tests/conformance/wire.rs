//! This is where frames are written bit by bit, the forbidden ones too, and where what the gateway sends is read as strictly.

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The first part of a message, or all of it, as text.
pub const TEXT: u8 = 1;
/// The same, as bytes.
pub const BINARY: u8 = 2;
/// A further part of a message.
pub const CONTINUATION: u8 = 0;
/// The end of a connection.
pub const CLOSE: u8 = 8;
/// A question whether the other side is there.
pub const PING: u8 = 9;
/// The answer to it.
pub const PONG: u8 = 10;

/// The mask of the examples of RFC 6455.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A client's frame.
#[derive(Clone, Debug)]
pub struct Frame {
    is_final: bool,
    reserved: u8,
    opcode: u8,
    mask: Option<[u8; 4]>,
    length: Length,
    payload: Vec<u8>,
}

/// How the length of a payload is written.
#[derive(Clone, Copy, Debug)]
enum Length {
    /// As RFC 6455 has it.
    Shortest,
    /// As another one, in two bytes.
    InTwo(u16),
    /// As another one, in eight.
    InEight(u64),
}

impl Frame {
    /// A frame that is a whole message, or a control frame.
    pub fn new(opcode: u8, payload: impl AsRef<[u8]>) -> Self {
        let payload = payload.as_ref().to_vec();
        Self { is_final: true, reserved: 0, opcode, mask: Some(MASK), length: Length::Shortest, payload }
    }

    /// A close frame with a code.
    pub fn close(code: u16, reason: impl AsRef<[u8]>) -> Self {
        Self::new(CLOSE, [&code.to_be_bytes(), reason.as_ref()].concat())
    }

    /// The same with others to follow.
    pub fn unfinished(self) -> Self {
        Self { is_final: false, ..self }
    }

    /// The same with none to follow.
    pub fn finished(self) -> Self {
        Self { is_final: true, ..self }
    }

    /// The same with some of the three reserved bits.
    pub fn reserved(self, reserved: u8) -> Self {
        Self { reserved, ..self }
    }

    /// The same with another mask, or none.
    pub fn masked(self, mask: Option<[u8; 4]>) -> Self {
        Self { mask, ..self }
    }

    /// The same, whose length is told in two bytes.
    pub fn length_in_two(self, length: u16) -> Self {
        Self { length: Length::InTwo(length), ..self }
    }

    /// The same, whose length is told in eight bytes.
    pub fn length_in_eight(self, length: u64) -> Self {
        Self { length: Length::InEight(length), ..self }
    }

    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.is_final) << 7 | self.reserved << 4 | self.opcode];
        let masked = u8::from(self.mask.is_some()) << 7;
        let length = match (self.length, u16::try_from(self.payload.len())) {
            (Length::Shortest, Ok(short @ 0..126)) => {
                bytes.push(masked | short.to_be_bytes()[1]);
                Vec::new()
            }
            (Length::Shortest, Ok(length)) | (Length::InTwo(length), _) => {
                bytes.push(masked | 126);
                length.to_be_bytes().to_vec()
            }
            (Length::Shortest, Err(_)) => {
                bytes.push(masked | 127);
                (self.payload.len() as u64).to_be_bytes().to_vec()
            }
            (Length::InEight(length), _) => {
                bytes.push(masked | 127);
                length.to_be_bytes().to_vec()
            }
        };
        bytes.extend(length);
        bytes.extend(self.mask.into_iter().flatten());
        let mask = self.mask.unwrap_or_default().into_iter().cycle();
        bytes.extend(self.payload.iter().zip(mask).map(|(byte, mask)| byte ^ mask));
        bytes
    }
}

/// What came over a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Came {
    /// A pong with its payload.
    Pong(Vec<u8>),
    /// The answer to the message PING.
    Answer,
    /// An error with its code and the reference it echoes.
    Refused(u64, Value),
    /// A close with its code, if it has one.
    Close(Option<u16>),
    /// The end, in good order.
    End,
    /// What none of the tests waits for.
    Unforeseen(String),
}

/// The next of what the gateway sends, its own pings aside.
pub async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> Came {
    loop {
        let Some((first, payload)) = (match read_frame(stream).await {
            Ok(frame) => frame,
            Err(error) => return Came::Unforeseen(error.to_string()),
        }) else {
            return Came::End;
        };
        return match first {
            0x89 => continue,
            0x8a => Came::Pong(payload),
            0x88 => Came::Close(payload.first_chunk().map(|code| u16::from_be_bytes(*code))),
            0x81 => answer(&payload),
            other => Came::Unforeseen(format!("a frame that begins with {other:#x}")),
        };
    }
}

fn answer(payload: &[u8]) -> Came {
    let Ok(answer) = serde_json::from_slice::<Value>(payload) else {
        return Came::Unforeseen(String::from_utf8_lossy(payload).into_owned());
    };
    match answer["error"].as_u64() {
        Some(code) => Came::Refused(code, answer["reference"].clone()),
        None if answer["method"] == "PONG" => Came::Answer,
        None => Came::Unforeseen(answer.to_string()),
    }
}

/// A frame's first byte and its payload; none at the end, and an error where it is not as a server must write it.
async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Option<(u8, Vec<u8>)>> {
    let mut head = [0; 2];
    if stream.read(&mut head[..1]).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut head[1..]).await?;
    let (length, least) = match head[1] {
        126 => (stream.read_u16().await?.into(), 126),
        127 => (stream.read_u64().await?, 1 << 16),
        short @ 0..126 => (short.into(), 0),
        _ => return Err(std::io::Error::other("a server's frame is masked")),
    };
    if length < least {
        return Err(std::io::Error::other("a length is written in more bytes than it needs"));
    }
    let mut payload = vec![0; usize::try_from(length).map_err(std::io::Error::other)?];
    stream.read_exact(&mut payload).await?;
    Ok(Some((head[0], payload)))
}
