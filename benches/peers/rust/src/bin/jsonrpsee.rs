//! The same lists behind a JSON-RPC framework: one method, `addToWhitelist`, with the fields of the gateway's message for params.

use std::net::Ipv4Addr;

use jsonrpsee::server::{RpcModule, ServerBuilder};
use jsonrpsee::types::ErrorObjectOwned;
use peers::handler::Signup;
use peers::lists::{Lists, Person};
use peers::server::port;
use serde::{Deserialize, Serialize};

/// Connections at once: more than any run has.
const CONNECTIONS_MAX: u32 = 20_000;

#[derive(Deserialize)]
struct Add<'a> {
    app_id: &'a str,
    #[serde(borrow)]
    signups: Vec<Signup<'a>>,
}

#[derive(Clone, Serialize)]
struct Added {
    app_id: String,
    signups: Vec<Person>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut module = RpcModule::new(Lists::default());
    module
        .register_method("addToWhitelist", |params, lists, _| {
            let add: Add<'_> = params.parse()?;
            let signups = lists.add(add.app_id, &add.signups);
            Ok::<_, ErrorObjectOwned>(Added { app_id: add.app_id.to_owned(), signups })
        })
        .expect("no other method has this name");
    let config = jsonrpsee::server::ServerConfig::builder().max_connections(CONNECTIONS_MAX).build();
    let server =
        ServerBuilder::with_config(config).build((Ipv4Addr::LOCALHOST, port())).await.expect("the port is free");
    println!("listening on ws://{}", server.local_addr().expect("it is bound"));
    server.start(module).stopped().await;
}
