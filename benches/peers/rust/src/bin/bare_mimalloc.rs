//! The bare handler with mimalloc for an allocator.

use std::sync::Arc;

use mimalloc::MiMalloc;
use peers::handler::answer;
use peers::lists::Lists;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {
    let lists = Arc::new(Lists::default());
    peers::server::run(move |text| answer(&lists, &text).into());
}
