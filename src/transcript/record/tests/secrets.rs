//! What is written where secrets are: names, or nothing.

use super::*;

#[test]
fn a_secret_that_is_sent_must_be_given_and_is_the_same_wherever_it_stands() {
    let recorded = recorded()
        .sent(r#"{"method":"TOKEN_AUTH","token":"1:0:abc"}"#)
        .received(r#"{"method":"TOKEN_AUTH_OK","token":"1:0:abc","name":"1:0:abc","hint":"(1:0:abc)"}"#)
        .sent(r#"{"a":["1:0:\u0061bc","x"]}"#)
        .sent(r#"{"text":"see 1:0:abc"}"#)
        .sent(r#"{"bot_token":"other"}"#);
    assert_eq!(
        recorded.lines(),
        [
            r#"{"secret":"token_1"}"#,
            r#"{"send":{"method":"TOKEN_AUTH","token":"<token_1>"}}"#,
            r#"{"expect":{"method":"TOKEN_AUTH_OK","token":"<token_1>","name":"<token_1>","hint":"<string>"}}"#,
            r#"{"send":{"a":["<token_1>","x"]}}"#,
            r#"{"secret":"secret_1"}"#,
            r#"{"send":{"text":"<secret_1>"}}"#,
            r#"{"secret":"token_2"}"#,
            r#"{"send":{"bot_token":"<token_2>"}}"#,
        ]
    );
    assert_eq!(recorded.0.summary.secrets, ["token_1", "secret_1", "token_2"]);
}

#[test]
fn a_secret_that_comes_first_is_bound_where_it_comes() {
    let lines = recorded()
        .received(r#"{"shown":"abcdefgh","token":"abcdefgh","api_key":12345678,"session":""}"#)
        .sent(r#"{"token":"abcdefgh","api_key":12345678}"#)
        .received(r#"{"echo":"abcdefgh"}"#)
        .lines();
    assert_eq!(
        lines,
        [
            r#"{"expect":{"shown":"<string as token_1>","token":"<token_1>","api_key":"<number as api_key_1>","session":""}}"#,
            r#"{"send":{"token":"<token_1>","api_key":"<api_key_1>"}}"#,
            r#"{"expect":{"echo":"<token_1>"}}"#,
        ]
    );
}

#[test]
fn all_that_is_under_the_key_of_a_secret_is_secret() {
    let lines = recorded()
        .sent(r#"{"token":{"of":["aaaaaaaa",{"b":"bbbbbbbb"}],"old":null},"tokens":["cccccccc",{"id":"d"}]}"#)
        .lines();
    assert_eq!(
        lines.last().expect("there is a line"),
        r#"{"send":{"token":{"of":["<token_1>",{"b":"<token_2>"}],"old":null},"tokens":["<token_3>",{"id":"d"}]}}"#
    );
}

#[test]
fn a_schema_of_a_secret_hides_no_other_frame() {
    let lines = recorded()
        .received(r#"{"password":{"type":"string","minLength":8,"was":"Hidden-77"}}"#)
        .sent(r#"{"type":"string","n":8,"x":"Hidden-77"}"#)
        .lines();
    assert_eq!(
        lines,
        [
            r#"{"expect":{"password":{"type":"<string>","minLength":"<number>","was":"<string as password_1>"}}}"#,
            r#"{"send":{"type":"string","n":8,"x":"<password_1>"}}"#,
        ]
    );
}

#[test]
fn where_a_page_begins_is_no_secret() {
    let text = r#"{"page":{"token":"abc","next_token":"def"}}"#;
    assert_eq!(recorded().sent(text).lines(), [format!(r#"{{"send":{text}}}"#)]);
}

#[test]
fn a_secret_for_which_no_name_can_stand_is_left_out_with_its_frame() {
    for frame in [
        r#"{"token":"abcdefgh""#,
        r#"{"tok\u0065n":"abcdefgh""#,
        r#"["token",{"token":"abcdefgh"}]"#,
        r#"{"token":"abcdefgh","abcdefgh":1}"#,
        "Authorization: Bearer abcdefgh",
        "token=abcdefgh",
    ] {
        let recorded = recorded().sent(frame).sent(r#"{"token":"abcdefgh"}"#);
        let lines = recorded.lines();
        assert!(lines[0].starts_with(r#"{"note":"a frame of "#), "{frame}: {lines:?}");
        assert_eq!(lines[1..], [r#"{"secret":"token_1"}"#, r#"{"send":{"token":"<token_1>"}}"#], "{frame}");
        assert!(!recorded.1.contains("abcdefgh"), "{frame}");
        assert_eq!(recorded.0.summary.left_out, 1, "{frame}");
    }
    let text = r#"{"token":"abcdefgh","token":"abcdefgh"}"#;
    assert!(recorded().received(text).lines()[0].contains("is left out"));
    let known = recorded().sent(r#"{"token":"abcdefgh"}"#);
    for text in ["my abcdefgh!", "q=abc%64efgh", "abcdefgh"] {
        assert!(recorded().sent(r#"{"token":"abcdefgh"}"#).sent(text).lines()[2].contains("is left out"), "{text}");
    }
    let bytes = Found::Binary(b"\xffabcdefgh".to_vec());
    assert!(known.passed(1, Passed::Frame(Way::Sent, bytes)).lines()[2].contains("is left out"));
}

#[test]
fn an_exact_recording_has_every_byte_but_those_of_secrets() {
    let frame = format!(r#"{{ "date":{NOW_MS},"id":"550e8400-e29b-41d4-a716-446655440000" }}"#);
    let lines =
        exact().sent(&frame).received(&frame).sent(r#"{"token":"abcdefgh"}"#).received(r#"{"a":"abcdefgh"}"#).lines();
    let text = frame.replace('"', "\\\"");
    assert_eq!(
        lines,
        [
            format!(r#"{{"send_text":"{text}"}}"#),
            format!(r#"{{"expect_text":"{text}"}}"#),
            r#"{"secret":"token_1"}"#.to_owned(),
            r#"{"send":{"token":"<token_1>"}}"#.to_owned(),
            r#"{"expect":{"a":"<token_1>"}}"#.to_owned(),
        ]
    );
}

#[test]
fn secrets_are_kept_where_that_is_asked_for() {
    let rules = Rules { keep_secrets: true, ..Rules::default() };
    let lines = Recorded::new(rules).sent(r#"{"token":"abcdefgh"}"#).sent(r#"{"token":"abc"#).lines();
    assert_eq!(lines, [r#"{"send":{"token":"abcdefgh"}}"#, r#"{"send_text":"{\"token\":\"abc"}"#]);
}

#[test]
fn nothing_is_expected_of_what_is_ignored() {
    let path = "$.signups[*].id".parse().expect("a JSON path");
    let rules = Rules { ignore: vec![path, "$.more".parse().expect("a JSON path")], ..Rules::default() };
    let lines = Recorded::new(rules)
        .received(r#"{"signups":[{"id":"1","x":2},{"id":[3]}],"more":{"token":"abcdefgh"}}"#)
        .sent(r#"{"signups":[{"id":"1"}],"a":"abcdefgh"}"#)
        .lines();
    assert_eq!(
        lines,
        [
            r#"{"expect":{"signups":[{"id":"<any>","x":2},{"id":"<any>"}],"more":"<any>"}}"#,
            r#"{"secret":"token_1"}"#,
            r#"{"send":{"signups":[{"id":"1"}],"a":"<token_1>"}}"#,
        ]
    );
}

#[test]
fn what_is_ignored_is_not_shown_by_an_exact_recording() {
    let ignore = || vec!["$.more".parse().expect("a JSON path"), "$[0]".parse().expect("a JSON path")];
    for exact in [false, true] {
        let lines = Recorded::new(Rules { exact, ignore: ignore(), ..Rules::default() })
            .received(r#"{"more":{"token":"abcdefgh"}}"#)
            .received(r#"{"more":"abcdefgh"}"#)
            .received(r#"[{"token":"abcdefgh"}]"#)
            .lines();
        assert_eq!(lines[..2], [r#"{"expect":{"more":"<any>"}}"#, r#"{"expect":{"more":"<any>"}}"#]);
        assert!(lines[2].contains("is left out"), "{lines:?}");
    }
}

#[test]
fn a_secret_inside_another_text_is_found() {
    for text in [
        "https://x.example/hook?a=1&api_key=hidden77",
        r#"{\"token\":\"hidden77\"}"#,
        "send Authorization: Bearer hidden77-and-16-more",
    ] {
        let recorded = recorded()
            .sent(&format!(r#"{{"text":"{text}"}}"#))
            .received(&format!(r#"{{"text":"{text}","other":"see {text}"}}"#))
            .sent(r#"{"now":"hidden77"}"#);
        let lines = recorded.lines();
        assert_eq!(lines[..2], [r#"{"secret":"secret_1"}"#, r#"{"send":{"text":"<secret_1>"}}"#], "{text}");
        assert_eq!(lines[2], r#"{"expect":{"text":"<secret_1>","other":"<string>"}}"#, "{text}");
    }
    let lines = recorded().sent(r#"{"text":"x?token=hidden77"}"#).sent(r#"{"now":"hidden77"}"#).lines();
    assert_eq!(lines[3], r#"{"send":{"now":"<token_1>"}}"#);
    let lines = recorded().sent("email=a&token=hidden77").sent(r#"{"now":"hidden77"}"#).lines();
    assert_eq!(lines[2], r#"{"send":{"now":"<token_1>"}}"#);
    let text = r#"{"error":400,"message":"token: must be a token, as a string at line 1 column 45"}"#;
    assert_eq!(recorded().received(text).lines(), [format!(r#"{{"expect":{text}}}"#)]);
}

#[test]
fn a_password_that_is_the_name_of_a_key_hides_no_frames() {
    let lines = recorded().sent(r#"{"password":"password"}"#).sent(r#"{"password":"other"}"#).lines();
    assert_eq!(
        lines,
        [
            r#"{"secret":"password_1"}"#,
            r#"{"send":{"password":"<password_1>"}}"#,
            r#"{"secret":"password_2"}"#,
            r#"{"send":{"password":"<password_2>"}}"#,
        ]
    );
}

#[test]
fn secrets_are_remembered_up_to_so_many_bytes() {
    let mut names = Names::default();
    let long = |number: u32| format!("{number}{}", "x".repeat(1 << 20));
    let kept = (0..1_000).take_while(|number| {
        let plain = long(*number);
        names.keep_secret("token", &quoted(&plain), &plain);
        !names.are_too_many()
    });
    assert_eq!(kept.count(), 31, "each is kept as JSON and as text");
}
