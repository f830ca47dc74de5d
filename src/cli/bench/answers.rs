//! What comes back: the heads of frames are read, and of their payloads only where they begin.

/// Of a message that came in pieces so much is kept: enough for any refusal's text.
const KEPT_BYTES_MAX: usize = 1_024;
/// Where a refusal's `"error"` stands, if not behind longer fields.
const ERROR_WITHIN_BYTES: usize = 64;

/// What was heard. Payloads may be cut off behind [`KEPT_BYTES_MAX`].
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<'b> {
    /// A message, be it a text or not.
    Message(&'b [u8]),
    Ping(&'b [u8]),
    Close(&'b [u8]),
}

/// The server does not speak WebSocket as a server should.
#[derive(Debug, thiserror::Error)]
#[error("what the server sent is no WebSocket frame")]
pub struct Unframed;

/// Reads a server's frames out of bytes that come as they like.
#[derive(Debug, Default)]
pub struct Answers {
    head: [u8; 10],
    head_bytes: usize,
    frame: Option<Frame>,
    /// How a message begins that has come in part; and a control frame, which may come between two parts.
    message: Vec<u8>,
    control: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    opcode: u8,
    is_last: bool,
    left: u64,
}

impl Answers {
    /// Takes what has come, and tells whatever is whole by now.
    pub fn feed(&mut self, mut bytes: &[u8], mut heard: impl FnMut(Heard<'_>)) -> Result<(), Unframed> {
        loop {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.read_head(&mut bytes)? {
                    Some(frame) => frame,
                    None => return Ok(()),
                },
            };
            let here = usize::try_from(frame.left).unwrap_or(usize::MAX).min(bytes.len());
            let (part, rest) = bytes.split_at(here);
            bytes = rest;
            frame.left -= here as u64;
            let kept = if frame.opcode < 8 { &mut self.message } else { &mut self.control };
            if frame.left > 0 || !frame.is_last {
                keep(kept, part);
            } else if kept.is_empty() {
                frame.tell(part, &mut heard);
            } else {
                keep(kept, part);
                frame.tell(kept, &mut heard);
                kept.clear();
            }
            if frame.left > 0 {
                self.frame = Some(frame);
                return Ok(());
            }
        }
    }

    /// Takes a frame's head off the bytes, or what there is of it.
    fn read_head(&mut self, bytes: &mut &[u8]) -> Result<Option<Frame>, Unframed> {
        loop {
            let needed = match (self.head_bytes, self.head[1]) {
                (0 | 1, _) => 2,
                (_, 126) => 4,
                (_, 127) => 10,
                _ => 2,
            };
            if self.head_bytes == needed {
                break;
            }
            let Some((first, rest)) = bytes.split_first() else { return Ok(None) };
            self.head[self.head_bytes] = *first;
            self.head_bytes += 1;
            *bytes = rest;
        }
        self.head_bytes = 0;
        let [first, length, long @ ..] = self.head;
        let left = match length {
            126 => u16::from_be_bytes([long[0], long[1]]).into(),
            127 => u64::from_be_bytes(long),
            // With the top bit set it would be masked, which only a client's is.
            128.. => return Err(Unframed),
            length => length.into(),
        };
        let opcode = first & 0x0f;
        match (first & 0x70, opcode) {
            (0, 0..=2 | 8..=10) => Ok(Some(Frame { opcode, is_last: first & 0x80 != 0, left })),
            _ => Err(Unframed),
        }
    }
}

impl Frame {
    fn tell(self, payload: &[u8], heard: &mut impl FnMut(Heard<'_>)) {
        match self.opcode {
            8 => heard(Heard::Close(payload)),
            9 => heard(Heard::Ping(payload)),
            10 => {}
            _ => heard(Heard::Message(payload)),
        }
    }
}

fn keep(kept: &mut Vec<u8>, part: &[u8]) {
    kept.extend_from_slice(&part[..part.len().min(KEPT_BYTES_MAX - kept.len())]);
}

/// Whether a message refuses what was asked.
pub fn is_refusal(message: &[u8]) -> bool {
    let begin = &message[..message.len().min(ERROR_WITHIN_BYTES)];
    begin.windows(8).any(|window| window == b"\"error\":")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server's frame.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..126 => frame.push(u8::try_from(length).expect("it is short")),
            length @ 126..65_536 => {
                frame.push(126);
                frame.extend(u16::try_from(length).expect("it is not long").to_be_bytes());
            }
            length => {
                frame.push(127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(payload);
        frame
    }

    fn heard(bytes: &[u8], piece: usize) -> Vec<String> {
        let mut answers = Answers::default();
        let mut all = Vec::new();
        for piece in bytes.chunks(piece) {
            answers.feed(piece, |heard| all.push(format!("{heard:?}"))).expect("these are frames");
        }
        all
    }

    #[test]
    fn frames_are_heard_alike_in_whatever_pieces_they_come() {
        let long = [b'x'; 70_000];
        let frames = [
            frame(0x81, b"one"),
            frame(0x89, b"ping"),
            frame(0x81, b""),
            frame(0x01, b"in "),
            frame(0x00, b"three "),
            frame(0x89, b""),
            frame(0x80, b"parts"),
            frame(0x8a, b"pong"),
            frame(0x82, &long[..200]),
            frame(0x81, &long),
            frame(0x88, &[3, 233]),
        ];
        let bytes = frames.concat();
        let whole = heard(&bytes, bytes.len());
        assert_eq!(whole.len(), 8, "of all but the pong");
        let parts = format!("{:?}", Heard::Message(b"in three parts"));
        assert_eq!(whole.iter().position(|heard| *heard == parts), Some(4), "{:?}", &whole[..5]);
        let short = |all: Vec<String>| -> Vec<String> {
            all.into_iter().map(|heard| heard.chars().take(KEPT_BYTES_MAX).collect()).collect()
        };
        for piece in [1, 2, 3, 5, 7, 64, 1_000] {
            assert_eq!(short(heard(&bytes, piece)), short(whole.clone()), "in pieces of {piece}");
        }
    }

    #[test]
    fn what_is_no_servers_frame_is_told() {
        for bytes in [&b"HT"[..], &[0x81, 0x80], &[0xc1, 0], &[0x83, 0]] {
            assert!(Answers::default().feed(bytes, |_| {}).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_refusal_is_told_by_where_it_begins() {
        for (text, refuses) in [
            (r#"{"error":400,"request":"x"}"#, true),
            (r#"{"method":"error","error":400}"#, true),
            (r#"{"reference":1000000001, "error": 400}"#, true),
            (r#"{"method":"addToWhitelist_ack","app_id":"1"}"#, false),
            (r#"{"error"#, false),
        ] {
            assert_eq!(is_refusal(text.as_bytes()), refuses, "{text}");
        }
    }
}
