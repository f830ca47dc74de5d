//! A port that a supervisor holds open, as systemd does, outlives the gateways that listen there.

mod support;

use std::fs::read_to_string;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;

use serde_json::json;
use support::process::{Served, around};
use support::{BOT, Client};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, client_async};

/// Hands the standard input over as the first of the sockets that a supervisor opened.
const HAND_OVER: &str = r#"exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@""#;

fn serve(listener: &TcpListener, home: &Path) -> Served {
    let data = home.join("data");
    let data = data.to_str().expect("paths of tests are text");
    let args = ["serve", "--demo", "--data", data, "--listen", "127.0.0.1:1"];
    let mut command = around("sh", &["-c", HAND_OVER, "sh"], &args);
    let socket = listener.try_clone().expect("a socket can be held twice");
    Served::start_command(command.stdin(OwnedFd::from(socket)), &home.join("log"))
}

#[tokio::test]
async fn who_connects_while_no_gateway_runs_is_served_by_the_next() {
    let home = TempDir::new().expect("a temporary directory");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let url = format!("ws://{address}/nandbox/api/");
    for _ in 0..2 {
        // Accepted by the system, and by nobody yet.
        let early = TcpStream::connect(address).expect("the port is open");
        early.set_nonblocking(true).expect("it can be");
        let early = tokio::net::TcpStream::from_std(early).expect("a runtime is here");
        let gateway = serve(&listener, home.path());
        assert_eq!(gateway.url, url);
        let request = url.as_str().into_client_request().expect("it is an address");
        let opened = client_async(request, MaybeTlsStream::Plain(early)).await;
        let mut client = Client(opened.expect("it waited and was not refused").0);
        let welcome = client.call(json!({"method": "TOKEN_AUTH", "token": BOT, "rem": true})).await;
        assert_eq!(welcome["method"], "TOKEN_AUTH_OK", "{welcome}");
        drop(client);
        let stopped = gateway.stop();
        assert_eq!(stopped.code, Some(0), "{}", read_to_string(home.path().join("log")).unwrap_or_default());
    }
}
