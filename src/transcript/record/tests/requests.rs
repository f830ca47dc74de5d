//! What is written of requests and their answers.

use super::*;

#[test]
fn requests_have_names_for_secrets_wherever_they_carry_them() {
    let request = |path: &str, headers: &[(&'static str, &'static str)], body: &str| {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let headers = headers.iter().map(header).collect::<HeaderMap>();
        let (path, body) = (path.to_owned(), Bytes::copy_from_slice(body.as_bytes()));
        Passed::Request(Box::new(Request { method: "POST".to_owned(), path, headers, body }))
    };
    let cookie = HeaderValue::from_static("neptun-session=abcdefgh; HttpOnly; Expires=Wed, 21 Oct 2026 07:28:00 GMT");
    let headers = HeaderMap::from_iter([(HeaderName::from_static("set-cookie"), cookie)]);
    let response = Response { status: 200, headers, body: Bytes::from_static(b"true") };
    let location = HeaderValue::from_static("/next?token=hidden66");
    let location = HeaderMap::from_iter([(HeaderName::from_static("location"), location)]);
    let recorded = recorded()
        .passed(
            1,
            request("/log-in", &[("host", "x"), ("content-type", "application/json")], r#"{"password":"Pa55word!"}"#),
        )
        .passed(1, Passed::Response(Box::new(response)))
        .passed(1, request("/x/abcdefgh/y?a=1&api_key=k%2F12345&b=", &[("cookie", "a=b; neptun-session=abcdefgh")], ""))
        .passed(1, request("/y", &[("authorization", "Basic OlBhNTV3b3JkIQ=="), ("x-api-key", "k/12345")], ""))
        .passed(1, request("/z", &[("authorization", "Bearer abcdefgh")], "text"))
        .passed(1, request("/?<a>", &[("x", "<b>"), ("x", "c")], ""))
        .passed(1, request("/r", &[("referer", "http://x/?token=hidden88"), ("origin", "http://x")], ""))
        .passed(1, request("/?hidden88=1&next=http%3A%2F%2Fy%3Fapi_key%3Dhidden99", &[], ""))
        .passed(1, request("/?api_key=hidden/aa&x=y", &[], ""))
        .passed(1, request("/hidden/aa", &[], ""))
        .passed(1, Passed::Response(Box::new(Response { status: 200, headers: HeaderMap::new(), body: Bytes::new() })))
        .passed(1, request("/l", &[], ""))
        .passed(1, Passed::Response(Box::new(Response { status: 302, headers: location, body: Bytes::new() })))
        .passed(1, request("/form", &[], "email=a&password=hidden77"))
        .passed(1, Passed::Response(Box::new(Response { status: 200, headers: HeaderMap::new(), body: Bytes::new() })));
    assert_eq!(
        recorded.1.lines().map(|line| line.replacen(r#""at_ms":7,"on":"c1","#, "", 1)).collect::<Vec<_>>(),
        [
            r#"{"secret":"password_1"}"#,
            r#"{"request":{"method":"POST","path":"/log-in","headers":{"content-type":"application/json"},"body":{"password":"<password_1>"}}}"#,
            r#"{"response":{"status":200,"headers":{"set-cookie":"neptun-session=<string as session_1>; HttpOnly; Expires=<string>"},"body":true}}"#,
            r#"{"secret":"api_key_1"}"#,
            r#"{"secret":"cookie_1"}"#,
            r#"{"request":{"method":"POST","path":"/x/<session_1>/y?a=1&api_key=<api_key_1>&b=","headers":{"cookie":"a=<cookie_1>; neptun-session=<session_1>"}}}"#,
            r#"{"secret":"credentials_1"}"#,
            r#"{"secret":"api_key_2"}"#,
            r#"{"request":{"method":"POST","path":"/y","headers":{"authorization":"Basic <credentials_1>","x-api-key":"<api_key_2>"}}}"#,
            r#"{"request":{"method":"POST","path":"/z","headers":{"authorization":"Bearer <session_1>"},"body_text":"text"}}"#,
            r#"{"request":{"method":"POST","path":"/?\u003ca>","headers":{"x":["\u003cb>","c"]}}}"#,
            r#"{"secret":"secret_1"}"#,
            r#"{"request":{"method":"POST","path":"/r","headers":{"origin":"http://x","referer":"<secret_1>"}}}"#,
            r#"{"secret":"token_1"}"#,
            r#"{"secret":"secret_2"}"#,
            r#"{"request":{"method":"POST","path":"/?<token_1>=1&next=<secret_2>"}}"#,
            r#"{"secret":"api_key_3"}"#,
            r#"{"request":{"method":"POST","path":"/?api_key=<api_key_3>&x=y"}}"#,
            r#"{"note":"a request is left out, and its answer: its path holds a secret where no name can stand for it"}"#,
            r#"{"request":{"method":"POST","path":"/l"}}"#,
            r#"{"response":{"status":302}}"#,
            r#"{"note":"a request is left out, and its answer: its body may hold a secret where no name can stand for it, or is no text"}"#,
        ]
    );
}
