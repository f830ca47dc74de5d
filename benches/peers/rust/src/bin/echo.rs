//! Sends every frame back: what a WebSocket costs before anybody looks into a message.

fn main() {
    peers::server::run(|text| text);
}
