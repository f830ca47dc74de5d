//! The bare handler: tokio-tungstenite, a map in memory, and the allocator of the system.

use std::sync::Arc;

use peers::handler::answer;
use peers::lists::Lists;

fn main() {
    let lists = Arc::new(Lists::default());
    peers::server::run(move |text| answer(&lists, &text).into());
}
