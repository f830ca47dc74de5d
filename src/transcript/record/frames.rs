//! Reads the WebSocket frames in bytes that somebody else sends and receives, without a say in the matter.

use std::io::Cursor;

use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use crate::config::RECORDED_FRAME_BYTES_MAX;

/// Bytes of the longest payload of a control frame (RFC 6455, 5.5).
const CONTROL_BYTES_MAX: u64 = 125;

/// What one direction of a connection carried.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole text message; its bytes need not be UTF-8.
    Text(Vec<u8>),
    /// A whole binary message.
    Binary(Vec<u8>),
    /// A close frame; no code where it has none.
    Close(Option<u16>, String),
    /// A message with more bytes than are kept.
    TooLong,
    /// From here on it is not WebSocket, or not any more.
    Unreadable,
}

/// Where the reading of one direction stands.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    head: Vec<u8>,
    frame: Option<Frame>,
    message: Option<Message>,
    is_over: bool,
}

/// A frame whose payload is coming.
#[derive(Debug)]
struct Frame {
    header: FrameHeader,
    left: u64,
    /// The payload of a control frame; a data frame's goes into the message.
    control: Vec<u8>,
    masked: usize,
}

/// A message whose frames are coming.
#[derive(Debug)]
struct Message {
    is_text: bool,
    bytes: Vec<u8>,
    is_too_long: bool,
}

impl Decoder {
    /// Takes what comes next, and gives what it completes.
    pub(super) fn take(&mut self, mut bytes: &[u8], mut found: impl FnMut(Found)) {
        while !self.is_over && (!bytes.is_empty() || self.is_complete()) {
            let step = if self.frame.is_some() { self.payload(&mut bytes) } else { self.header(&mut bytes) };
            if let Some(step) = step {
                // What follows a close frame is nobody's.
                self.is_over = matches!(step, Found::Close(..) | Found::Unreadable);
                found(step);
            }
        }
    }

    /// Whether a frame only waits to be closed, having no payload that could come.
    fn is_complete(&self) -> bool {
        self.frame.as_ref().is_some_and(|frame| frame.left == 0)
    }

    fn header(&mut self, bytes: &mut &[u8]) -> Option<Found> {
        self.head.push(bytes[0]);
        *bytes = &bytes[1..];
        let (header, left) = match FrameHeader::parse(&mut Cursor::new(&self.head)) {
            Ok(None) => return None,
            Ok(Some(parsed)) => parsed,
            Err(_) => return Some(Found::Unreadable),
        };
        self.head.clear();
        let compressed = header.rsv1 || header.rsv2 || header.rsv3;
        let fits = match header.opcode {
            OpCode::Data(Data::Continue) => self.message.is_some(),
            OpCode::Data(Data::Text | Data::Binary) => self.message.is_none(),
            OpCode::Control(Control::Close | Control::Ping | Control::Pong) => {
                header.is_final && left <= CONTROL_BYTES_MAX
            }
            OpCode::Data(Data::Reserved(_)) | OpCode::Control(Control::Reserved(_)) => false,
        };
        if compressed || !fits {
            return Some(Found::Unreadable);
        }
        if let OpCode::Data(data @ (Data::Text | Data::Binary)) = header.opcode {
            self.message = Some(Message { is_text: data == Data::Text, bytes: Vec::new(), is_too_long: false });
        }
        self.frame = Some(Frame { header, left, control: Vec::new(), masked: 0 });
        None
    }

    fn payload(&mut self, bytes: &mut &[u8]) -> Option<Found> {
        let frame = self.frame.as_mut().expect("a payload is read once its header was");
        let length = usize::try_from(frame.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let (part, rest) = bytes.split_at(length);
        *bytes = rest;
        frame.left -= length as u64;
        let target = match (&frame.header.opcode, &mut self.message) {
            (OpCode::Control(_), _) => Some(&mut frame.control),
            (_, Some(message)) if message.bytes.len() + length > RECORDED_FRAME_BYTES_MAX => {
                (message.bytes, message.is_too_long) = (Vec::new(), true);
                None
            }
            (_, Some(message)) if message.is_too_long => None,
            (_, message) => message.as_mut().map(|message| &mut message.bytes),
        };
        if let Some(target) = target {
            let begin = target.len();
            target.extend_from_slice(part);
            if let Some(mask) = frame.header.mask {
                let at = frame.masked;
                target[begin..].iter_mut().enumerate().for_each(|(index, byte)| *byte ^= mask[(at + index) % 4]);
            }
        }
        frame.masked = (frame.masked + length) % 4;
        if frame.left > 0 {
            return None;
        }
        let Frame { header, control, .. } = self.frame.take().expect("it was there above");
        match header.opcode {
            OpCode::Control(Control::Close) => Some(close(&control)),
            OpCode::Control(_) => None,
            OpCode::Data(_) if header.is_final => self.message.take().map(whole),
            OpCode::Data(_) => None,
        }
    }
}

fn whole(message: Message) -> Found {
    match message {
        Message { is_too_long: true, .. } => Found::TooLong,
        Message { is_text: true, bytes, .. } => Found::Text(bytes),
        Message { is_text: false, bytes, .. } => Found::Binary(bytes),
    }
}

fn close(payload: &[u8]) -> Found {
    match payload.split_first_chunk() {
        Some((code, reason)) => {
            Found::Close(Some(u16::from_be_bytes(*code)), String::from_utf8_lossy(reason).into_owned())
        }
        None => Found::Close(None, String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as it travels, masked where a mask is given.
    fn frame(first: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
        let length = u8::try_from(payload.len()).expect("short");
        assert!(length < 126);
        let mut bytes = vec![first, length | if mask.is_some() { 0x80 } else { 0 }];
        let mask = mask.inspect(|mask| bytes.extend(mask)).unwrap_or_default();
        bytes.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ mask[index % 4]));
        bytes
    }

    fn found(pieces: &[&[u8]]) -> Vec<Found> {
        let (mut decoder, mut all) = (Decoder::default(), Vec::new());
        pieces.iter().for_each(|piece| decoder.take(piece, |found| all.push(found)));
        all
    }

    #[test]
    fn messages_are_found_wherever_the_bytes_are_cut() {
        let mut bytes = frame(0x81, b"hello", Some([1, 2, 3, 4]));
        bytes.extend(frame(0x01, b"ab", Some([9, 8, 7, 6])));
        bytes.extend(frame(0x89, b"ping", Some([5, 5, 5, 5])));
        bytes.extend(frame(0x80, b"cde", Some([4, 3, 2, 1])));
        bytes.extend(frame(0x82, b"", None));
        bytes.extend(frame(0x88, b"\x03\xe8bye", None));
        let expected = || {
            let text = |text: &str| Found::Text(text.into());
            [text("hello"), text("abcde"), Found::Binary(vec![]), Found::Close(Some(1000), "bye".to_owned())]
        };
        assert_eq!(found(&[&bytes]), expected());
        for cut in 0..bytes.len() {
            assert_eq!(found(&[&bytes[..cut], &bytes[cut..]]), expected(), "cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(found(&single), expected());
    }

    #[test]
    fn what_is_not_websocket_ends_the_reading_once() {
        for bytes in
            [&frame(0x83, b"x", None)[..], &frame(0xc1, b"x", None), &frame(0x80, b"x", None), &frame(0x09, b"", None)]
        {
            assert_eq!(found(&[bytes, &frame(0x81, b"x", None)]), [Found::Unreadable]);
        }
    }

    #[test]
    fn a_close_without_code_is_one_and_what_follows_is_nothing() {
        assert_eq!(found(&[&frame(0x88, b"", None), &frame(0x81, b"x", None)]), [Found::Close(None, String::new())]);
    }

    #[test]
    fn a_message_longer_than_is_kept_is_told_and_the_next_is_read() {
        let length = RECORDED_FRAME_BYTES_MAX as u64 + 1;
        let mut head = vec![0x81, 127];
        head.extend(length.to_be_bytes());
        let body = vec![b'x'; RECORDED_FRAME_BYTES_MAX + 1];
        assert_eq!(found(&[&head, &body, &frame(0x81, b"y", None)]), [Found::TooLong, Found::Text(b"y".to_vec())]);
    }
}
