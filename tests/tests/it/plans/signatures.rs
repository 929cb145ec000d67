//! `POST /api/v1/billing/stripe`: only what the payment provider signed is believed.

use keyward_tests::{Answer, Stripe, Subscription, json, now};

use super::{OTHER_WEBHOOK_SECRET, WEBHOOK_SECRET, key_of, keyward, plan_of, stripe, workspace_on};

#[test]
fn what_is_forged_altered_or_of_another_time_is_refused_and_why_is_not_told() {
    let workspace = workspace_on("team");
    let (key, operator) = (key_of(&workspace), keyward().operator_token());
    let event = Subscription::of(&workspace.slug, "pro").event("updated", 0).to_string();
    let body = event.as_bytes();
    let altered = event.replace("\"pro\"", "\"team\"");
    let at = now().as_second();
    let good = stripe().header(body, at);
    let signature = stripe().signature(body, at);
    let send = |headers: &[&str]| stripe().deliver_with(headers, body);
    let forge = |secret: &str| Stripe::new(keyward(), secret).deliver_raw(body, at);
    let refused: Vec<Answer> = vec![
        send(&[]),
        send(&[""]),
        send(&["nonsense"]),
        send(&[&good, &good]),
        send(&[&format!("t={at}")]),
        send(&[&format!("v1={signature}")]),
        send(&[&format!("t={at},v0={signature}")]),
        send(&[&format!("t={at},v1={}", signature.to_uppercase())]),
        send(&[&format!("t={at},v1={}", &signature[..63])]),
        send(&[&format!("t={},v1={signature}", at + 1)]),
        send(&[&format!("t={at},t={at},v1={signature}")]),
        stripe().deliver_with(&[&good], altered.as_bytes()),
        stripe().deliver_with(&[&good], format!("{event} ").as_bytes()),
        stripe().deliver_with(&[&good], b""),
        stripe().deliver_raw(body, at - 310),
        stripe().deliver_raw(body, at + 310),
        stripe().deliver_raw(body, 0),
        forge(""),
        forge("whsec_of_somebody_else_0123456789"),
        forge(&format!("{WEBHOOK_SECRET},{OTHER_WEBHOOK_SECRET}")),
        forge(operator),
        forge(&key.secret),
        // Who may do much elsewhere may do nothing here.
        keyward().operator().send("POST", Stripe::PATH, Some("application/json"), body),
        keyward().with_key(&key.secret).send("POST", Stripe::PATH, Some("application/json"), body),
        workspace.owner().send("POST", Stripe::PATH, Some("application/json"), body),
    ];
    let told = refused[0].body_to_compare();
    for answer in refused {
        let answer = answer.problem(400, "invalid_signature");
        assert_eq!(answer.body_to_compare(), told, "all are told the same: {answer}");
    }
    assert_eq!(plan_of(&workspace), "team");
    assert_eq!(stripe().deliver_with(&[&good], body).expect(200).body, json!({"outcome": "applied"}));
    assert_eq!(plan_of(&workspace), "pro");
}

#[test]
fn a_signature_of_the_last_minutes_will_do_also_from_a_clock_that_is_fast() {
    let workspace = workspace_on("team");
    let subscription = Subscription::of(&workspace.slug, "pro");
    for seconds in [-290, 290] {
        let event = subscription.event("updated", 0).to_string();
        stripe().deliver_raw(event.as_bytes(), now().as_second() + seconds).expect(200);
    }
}

#[test]
fn while_a_secret_is_replaced_both_will_do() {
    let workspace = workspace_on("starter");
    let other = Stripe::new(keyward(), OTHER_WEBHOOK_SECRET);
    let subscription = Subscription::of(&workspace.slug, "team");
    other.tell(&subscription.event("updated", -9), "applied");
    assert_eq!(plan_of(&workspace), "team");
    // As Stripe sends it meanwhile, with other schemes beside.
    let event = subscription.on("pro").event("updated", -8).to_string();
    let (body, at) = (event.as_bytes(), now().as_second());
    let retired = Stripe::new(keyward(), "whsec_that_was_retired_long_ago").signature(body, at);
    let header = format!("t={at},v1={retired},v1={},v0={}", other.signature(body, at), "0".repeat(64));
    other.deliver_with(&[&header], body).expect(200);
    assert_eq!(plan_of(&workspace), "pro");
}

#[test]
fn keys_and_sessions_beside_a_signature_mean_nothing() {
    let workspace = workspace_on("starter");
    let subscription = Subscription::of(&workspace.slug, "team");
    for (number, caller) in (-9..).zip([
        keyward().anonymous().bearer("no key at all"),
        workspace.owner().without_proof_of_origin(),
        keyward().anonymous().with("Sec-Fetch-Site", "cross-site"),
    ]) {
        let event = subscription.event("updated", number).to_string();
        let header = stripe().header(event.as_bytes(), now().as_second());
        let caller = caller.with("Stripe-Signature", &header);
        caller.send("POST", Stripe::PATH, Some("application/json"), event.as_bytes()).expect(200);
    }
}

#[test]
fn what_is_signed_but_no_event_is_refused() {
    let at = now().as_second();
    for body in [&b""[..], b"{", b"\xff", b"null", b"[]", b"{}", b"{\"type\":\"a\",\"type\":\"b\"}"] {
        let answer = stripe().deliver_raw(body, at).refused(&[400, 422]);
        assert_ne!(answer.body["code"], "invalid_signature", "{answer}");
    }
    let anonymous = keyward().anonymous();
    anonymous.send("POST", Stripe::PATH, Some("text/plain"), b"{}").problem(415, "unsupported_media_type");
    anonymous.send("POST", Stripe::PATH, None, b"{}").problem(415, "unsupported_media_type");
    let long = format!("{{\"type\":\"{}\"}}", "a".repeat(1024 * 1024));
    stripe().deliver_raw(long.as_bytes(), at).problem(413, "payload_too_large");
    let large = format!("{{\"type\":\"{}\"}}", "a".repeat(1024 * 1000));
    assert_eq!(stripe().deliver_raw(large.as_bytes(), at).expect(200).text_at("outcome"), "not_for_keyward");
    anonymous.get(Stripe::PATH).problem(405, "method_not_allowed");
}
