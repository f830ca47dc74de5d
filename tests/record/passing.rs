//! Whatever passes through a recorder reaches the other side as it was sent, be it a frame, a request or an end.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::recorder::{PATIENCE, Recorder, StandIn, ask, head, home, masked, must_read, plain, steps, upgrade};

#[tokio::test(flavor = "multi_thread")]
async fn every_byte_passes_both_ways_whatever_it_is() {
    let (home, stand_in) = (home(), StandIn::start().await);
    let recorder = Recorder::start(&home, &stand_in.url(), &[]);
    let (mut gateway, mut client) = tokio::join!(stand_in.upgraded(), upgrade(&recorder));
    // A message in three frames with a ping between, a pong nobody asked for, an unmasked frame, and then no WebSocket at all.
    let mut odd = masked(r#"{"method":"PING"}"#);
    odd.extend([0x01, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'e' ^ 2]);
    odd.extend([0x89, 0x81, 0, 0, 0, 0, b'!', 0x00, 0x80, 9, 9, 9, 9, 0x80, 0x83, 0, 0, 0, 0, b'l', b'l', b'o']);
    odd.extend([0x8a, 0x80, 1, 1, 1, 1]);
    odd.extend(plain("unmasked"));
    odd.extend([0xff; 300]);
    odd.extend((0..200_000_u32).flat_map(u32::to_le_bytes));
    let (sent, ()) = tokio::join!(client.write_all(&odd), must_read(&mut gateway, &odd));
    sent.expect("the recorder reads");
    let mut odd = plain(r#"{"method":"PONG"}"#);
    odd.extend([0x89, 0x00, 0xc1, 0x01, b'z']);
    odd.extend(vec![0x55; 300_000]);
    let (sent, ()) = tokio::join!(gateway.write_all(&odd), must_read(&mut client, &odd));
    sent.expect("the recorder reads");
    drop((client, gateway));
    let (lines, _) = recorder.stop();
    let steps = steps(&lines);
    let of = |word: &str| steps.iter().filter(|step| step.contains(word)).map(String::as_str).collect::<Vec<_>>();
    assert_eq!(
        of("send"),
        [
            r#"c1: {"send":{"method":"PING"}}"#,
            r#"c1: {"send_text":"hello"}"#,
            r#"c1: {"send_text":"unmasked"}"#,
            r#"c1: {"note":"what the client sends from here on is not WebSocket; it passes unread"}"#,
            r#"c1: {"note":"what the gateway sends from here on is not WebSocket; it passes unread"}"#,
        ]
    );
    assert_eq!(of("expect")[0], r#"c1: {"expect":{"method":"PONG"}}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_request_only_host_path_and_extensions_are_changed() {
    let (home, stand_in) = (home(), StandIn::start().await);
    let recorder = Recorder::start(&home, &stand_in.url(), &[]);
    let more = "Sec-WebSocket-Extensions: permessage-deflate\r\nOrigin: http://x:1\r\nX-Odd-CASE: a  b\r\n";
    let ((_client, request), (_gateway, head)) = tokio::join!(ask(&recorder, more), stand_in.accept());
    let lines = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines[1..].sort_unstable();
        lines
    };
    let expected = request
        .replace("GET /nandbox/api/ ", "GET /there/?x=1 ")
        .replace(recorder.authority(), &stand_in.authority())
        .replace("Sec-WebSocket-Extensions: permessage-deflate\r\n", "");
    assert_eq!(lines(&head), lines(&expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_upgrade_passes_as_it_is() {
    let (home, stand_in) = (home(), StandIn::start().await);
    let recorder = Recorder::start(&home, &stand_in.url(), &[]);
    let ((mut client, _), (mut gateway, _)) = tokio::join!(ask(&recorder, ""), stand_in.accept());
    let refusal = "HTTP/1.1 403 Forbidden\r\nX-Why: because\r\nContent-Length: 2\r\n\r\nno";
    gateway.write_all(refusal.as_bytes()).await.expect("the recorder reads");
    let head = head(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 403 Forbidden\r\n") && head.contains("X-Why: because\r\n"), "{head}");
    must_read(&mut client, b"no").await;
    let (lines, said) = recorder.stop();
    assert_eq!(lines, "");
    assert!(said.contains("is refused with 403"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_passes_as_an_end_and_a_cut_as_a_cut() {
    let (home, stand_in) = (home(), StandIn::start().await);
    let recorder = Recorder::start(&home, &stand_in.url(), &[]);
    // The client ends its half; the gateway still says something, and ends its own.
    let (mut gateway, mut client) = tokio::join!(stand_in.upgraded(), upgrade(&recorder));
    client.write_all(&masked("{}")).await.expect("the recorder reads");
    client.shutdown().await.expect("the connection holds");
    must_read(&mut gateway, &masked("{}")).await;
    assert_eq!(
        timeout(PATIENCE, gateway.read_u8()).await.expect("the end comes").expect_err("nothing comes").kind(),
        io::ErrorKind::UnexpectedEof
    );
    gateway.write_all(&plain("{}")).await.expect("the other half holds");
    drop(gateway);
    must_read(&mut client, &plain("{}")).await;
    assert_eq!(timeout(PATIENCE, client.read(&mut [0])).await.expect("the end comes").expect("it is no cut"), 0);
    // The client is cut off.
    let (mut gateway, client) = tokio::join!(stand_in.upgraded(), upgrade(&recorder));
    client.set_zero_linger().expect("the connection holds");
    drop(client);
    let cut = timeout(PATIENCE, gateway.read_u8()).await.expect("the cut comes").expect_err("nothing comes");
    assert_eq!(cut.kind(), io::ErrorKind::ConnectionReset);
    // The gateway is cut off.
    let (gateway, mut client) = tokio::join!(stand_in.upgraded(), upgrade(&recorder));
    gateway.set_zero_linger().expect("the connection holds");
    drop(gateway);
    let cut = timeout(PATIENCE, client.read_u8()).await.expect("the cut comes").expect_err("nothing comes");
    assert_eq!(cut.kind(), io::ErrorKind::ConnectionReset);
    let (lines, _) = recorder.stop();
    assert_eq!(
        steps(&lines),
        [
            r#"c1: {"send":{}}"#,
            r#"c1: {"expect":{}}"#,
            r#"c1: {"close":1006}"#,
            r#"c2: {"close":1006}"#,
            r#"c3: {"expect_close":1006}"#
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_not_there_is_told_and_the_recording_goes_on() {
    let stand_in = StandIn::start().await;
    let (home, address) = (home(), stand_in.authority());
    let recorder = Recorder::start(&home, &stand_in.url(), &[]);
    drop(stand_in);
    let (mut client, _) = ask(&recorder, "").await;
    let head = head(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    assert!(recorder.said().contains("the gateway cannot be reached"), "{}", recorder.said());
    let back = StandIn::again(TcpListener::bind(address).await.expect("the port is free again"));
    let (mut gateway, mut client) = tokio::join!(back.upgraded(), upgrade(&recorder));
    client.write_all(&masked("{}")).await.expect("the recorder reads");
    must_read(&mut gateway, &masked("{}")).await;
    let (lines, _) = recorder.stop();
    assert!(lines.contains(r#""send":{}"#), "{lines}");
}
