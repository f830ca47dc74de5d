//! What is sent: frames encoded once, into copies of which only a reference and a sign-up id are written.

use super::mix::Method;

/// Where references begin: ten digits from the first to the last, for JSON knows no leading zeros.
const REFERENCE_FIRST: u64 = 1_000_000_000;
const REFERENCE_DIGITS: usize = 10;
const ID_DIGITS: usize = 11;
const ID_END: &str = "@x.test";

/// How many different ids there are.
pub const IDS_MAX: u64 = 10_u64.pow(11);

/// Of each method its frame, whole but for what changes.
#[derive(Debug)]
pub struct Frames {
    templates: Vec<Template>,
}

#[derive(Debug)]
struct Template {
    bytes: Vec<u8>,
    id_at: Option<usize>,
    reference_at: Option<usize>,
}

impl Frames {
    /// Of the lists of an app; ids begin with a prefix of six letters or digits, and so have 24 bytes.
    pub fn new(app_id: &str, prefix: &str) -> Self {
        let id = format!("{prefix}{:0>ID_DIGITS$}{ID_END}", "");
        let app = serde_json::Value::from(app_id);
        let template = |method: Method| {
            let name = method.name();
            let fields = match method {
                Method::Ping => String::new(),
                Method::Add => format!(r#","app_id":{app},"signups":[{{"signup_id":"{id}","tags":["4"]}}]"#),
                Method::Remove => format!(r#","app_id":{app},"signups":["{id}"]"#),
                Method::List => format!(r#","app_id":{app},"page_size":50,"page_number":0"#),
                Method::Check => format!(
                    r#","subject":{{"type":"user","id":"{id}"}},"action":{{"name":"sign_up"}},"resource":{{"type":"app","id":{app}}}"#
                ),
            };
            // A PING has no reference: its answer is the same few bytes from every server.
            let reference =
                if method == Method::Ping { String::new() } else { format!(r#","reference":{REFERENCE_FIRST}"#) };
            let text = format!(r#"{{"method":"{name}"{fields}{reference}}}"#);
            let mut bytes = Vec::new();
            push_frame(&mut bytes, Opcode::Text, text.as_bytes());
            // From the end, for a head may hold any bytes.
            let head = bytes.len() - text.len();
            Template {
                id_at: text.find(&id).map(|at| head + at + prefix.len()),
                reference_at: (!reference.is_empty()).then(|| bytes.len() - 1 - REFERENCE_DIGITS),
                bytes,
            }
        };
        Self { templates: Method::ALL.map(template).into() }
    }

    /// Appends a frame, and says how long it is.
    pub fn push(&self, out: &mut Vec<u8>, method: Method, id: u64, reference: u64) -> usize {
        let Template { bytes, id_at, reference_at } = &self.templates[method as usize];
        let at = out.len();
        out.extend_from_slice(bytes);
        let frame = &mut out[at..];
        if let Some(at) = *id_at {
            write_digits(&mut frame[at..at + ID_DIGITS], id);
        }
        if let Some(at) = *reference_at {
            let reference = REFERENCE_FIRST + reference % (9 * REFERENCE_FIRST);
            write_digits(&mut frame[at..at + REFERENCE_DIGITS], reference);
        }
        bytes.len()
    }
}

/// What a frame is.
#[derive(Clone, Copy, Debug)]
pub enum Opcode {
    Text = 1,
    Pong = 10,
}

/// Appends a frame of a client, masked with zeros, so that what is masked is what was meant.
pub fn push_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    out.push(0x80 | opcode as u8);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ ..=125), _) => out.push(0x80 | length),
        (_, Ok(length)) => {
            out.push(0x80 | 126);
            out.extend(length.to_be_bytes());
        }
        _ => {
            out.push(0x80 | 127);
            out.extend((payload.len() as u64).to_be_bytes());
        }
    }
    out.extend([0; 4]);
    out.extend_from_slice(payload);
}

fn write_digits(places: &mut [u8], mut number: u64) {
    for place in places.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio_tungstenite::tungstenite::protocol::frame::FrameSocket;

    use super::*;

    /// What a server reads.
    fn texts(bytes: Vec<u8>) -> Vec<Value> {
        let mut socket = FrameSocket::from_partially_read(std::io::Cursor::new(Vec::new()), bytes);
        let mut texts = Vec::new();
        while let Ok(Some(frame)) = socket.read(None) {
            assert_eq!(frame.header().mask, Some([0; 4]), "a client's frames are masked");
            texts.push(serde_json::from_slice(frame.payload()).expect("it is JSON"));
        }
        texts
    }

    #[test]
    fn frames_are_the_messages_with_their_own_id_and_reference() {
        let frames = Frames::new("9009", "abcdef");
        let mut out = Vec::new();
        for (n, method) in [(0, Method::Ping), (1, Method::Add), (22, Method::Remove), (3, Method::List)] {
            frames.push(&mut out, method, n, n);
        }
        frames.push(&mut out, Method::Check, IDS_MAX - 1, 9 * REFERENCE_FIRST - 1);
        let expected = [
            json!({"method": "PING"}),
            json!({"method": "addToWhitelist", "app_id": "9009", "reference": 1_000_000_001,
                "signups": [{"signup_id": "abcdef00000000001@x.test", "tags": ["4"]}]}),
            json!({"method": "removeFromWhitelist", "app_id": "9009", "reference": 1_000_000_022,
                "signups": ["abcdef00000000022@x.test"]}),
            json!({"method": "getWhitelistUsers", "app_id": "9009", "page_size": 50, "page_number": 0,
                "reference": 1_000_000_003}),
            json!({"method": "checkAccess", "subject": {"type": "user", "id": "abcdef99999999999@x.test"},
                "action": {"name": "sign_up"}, "resource": {"type": "app", "id": "9009"},
                "reference": 9_999_999_999_u64}),
        ];
        assert_eq!(texts(out), expected);
    }

    #[test]
    fn long_frames_have_long_heads() {
        for length in [124, 126, 65_535, 65_536] {
            let text = Value::from("x".repeat(length - 2)).to_string();
            let mut out = Vec::new();
            push_frame(&mut out, Opcode::Text, text.as_bytes());
            assert_eq!(texts(out)[0].to_string(), text);
        }
    }
}
