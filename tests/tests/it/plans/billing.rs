//! `POST /api/v1/billing/stripe`: what becomes of what a payment provider tells.

use keyward_tests::{Keyward, Stripe, Subscription, json, shared, unique};

use super::{PRICE_OF_TEAM, WEBHOOK_SECRET, code_in, key_of, keyward, plan_of, stripe, workspace_on};

#[test]
fn keys_stop_and_work_at_the_next_question_after_an_event() {
    let workspace = workspace_on("team");
    let key = key_of(&workspace);
    let subscription = Subscription::of(&workspace.slug, "pro");
    stripe().tell(&subscription.event("created", -9), "applied");
    assert_eq!((plan_of(&workspace).as_str(), code_in(&workspace, &key).as_str()), ("pro", "valid"));
    stripe().tell(&subscription.now("canceled").event("deleted", -8), "applied");
    assert_eq!(code_in(&workspace, &key), "plan_required");
    keyward().with_key(&key.secret).get(&workspace.path("whoami")).problem(403, "plan_required");
    assert_eq!(plan_of(&workspace), "starter");
    let again = Subscription::of(&workspace.slug, "team");
    stripe().tell(&again.event("created", -7), "applied");
    assert_eq!((plan_of(&workspace).as_str(), code_in(&workspace, &key).as_str()), ("team", "valid"));
}

#[test]
fn a_price_buys_the_plan_of_the_settings_or_of_its_lookup_key_and_a_workspace_has_two_names() {
    let workspace = workspace_on("starter");
    let id = workspace.owner().get(&format!("/api/v1/{}", workspace.slug)).expect(200).text_at("id");
    let by_lookup_key = Subscription::of(&workspace.slug, "pro");
    stripe().tell(&by_lookup_key.event("created", -9), "applied");
    assert_eq!(plan_of(&workspace), "pro");
    // The settings outweigh the lookup key.
    let by_settings = Subscription { price: PRICE_OF_TEAM.to_owned(), workspace: Some(id), ..by_lookup_key };
    stripe().tell(&by_settings.event("updated", -8), "applied");
    assert_eq!(plan_of(&workspace), "team");
    // Beside another item that buys no plan.
    let mut event = by_settings.on("pro").event("updated", -7);
    event["data"]["object"]["items"]["data"] = json!([
        {"id": "si_1", "price": {"id": "price_of_support", "lookup_key": null}},
        {"id": "si_2", "price": {"id": "price_2", "lookup_key": "pro"}},
    ]);
    stripe().tell(&event, "applied");
    assert_eq!(plan_of(&workspace), "pro");
}

#[test]
fn a_status_pays_for_the_plan_or_does_not_or_says_nothing_yet() {
    let workspace = workspace_on("starter");
    let subscription = Subscription::of(&workspace.slug, "team");
    let steps = [
        ("incomplete", "undecided", "starter"),
        ("active", "applied", "team"),
        ("past_due", "applied", "team"),
        ("unpaid", "applied", "starter"),
        ("trialing", "applied", "team"),
        ("paused", "applied", "starter"),
        ("active", "applied", "team"),
        ("canceled", "applied", "starter"),
        ("active", "applied", "team"),
        ("incomplete_expired", "applied", "starter"),
    ];
    for (number, (status, outcome, plan)) in (-20..).zip(steps) {
        stripe().tell(&subscription.now(status).event("updated", number), outcome);
        assert_eq!(plan_of(&workspace), plan, "{status}");
    }
}

#[test]
fn the_later_event_counts_in_whatever_order_and_however_often_they_come() {
    let workspace = workspace_on("starter");
    let subscription = Subscription::of(&workspace.slug, "team");
    let created = subscription.now("incomplete").event("created", -60);
    let paid = subscription.event("updated", -50);
    let upgraded = subscription.on("pro").event("updated", -40);
    let ended = subscription.on("pro").now("canceled").event("deleted", -30);
    let after = |event, outcome| {
        stripe().tell(event, outcome);
        plan_of(&workspace)
    };
    assert_eq!(after(&upgraded, "applied"), "pro");
    assert_eq!(after(&paid, "outdated"), "pro");
    assert_eq!(after(&created, "outdated"), "pro");
    assert_eq!(after(&upgraded, "repeated"), "pro");
    assert_eq!(after(&ended, "applied"), "starter");
    for late in [&upgraded, &paid, &created] {
        assert_eq!(after(late, "outdated"), "starter");
    }
    assert_eq!(after(&ended, "repeated"), "starter");
}

#[test]
fn within_a_second_a_subscription_is_made_then_changed_then_ended() {
    let workspace = workspace_on("starter");
    let subscription = Subscription::of(&workspace.slug, "team");
    // All at the same second, whatever the clock does between these lines.
    let mut events = [
        subscription.now("incomplete").event("created", 0),
        subscription.event("updated", 0),
        subscription.on("pro").event("updated", 0),
        subscription.now("canceled").event("deleted", 0),
    ];
    let second = events[0]["created"].clone();
    for event in &mut events {
        event["created"] = second.clone();
    }
    let [created, changed, changed_again, ended] = &events;
    let after = |event, outcome| {
        stripe().tell(event, outcome);
        plan_of(&workspace)
    };
    assert_eq!(after(changed, "applied"), "team");
    assert_eq!(after(created, "outdated"), "team");
    // Of two changes the one that comes later counts, and the first stays known.
    assert_eq!(after(changed_again, "applied"), "pro");
    assert_eq!(after(changed, "repeated"), "pro");
    assert_eq!(after(ended, "applied"), "starter");
    for late in [changed, changed_again, created] {
        assert_eq!(after(late, "outdated"), "starter");
    }
}

#[test]
fn a_delivery_that_somebody_recorded_changes_nothing_when_it_is_sent_again() {
    let workspace = workspace_on("starter");
    let subscription = Subscription::of(&workspace.slug, "team");
    let event = subscription.event("created", -60).to_string();
    let header = stripe().header(event.as_bytes(), keyward_tests::now().as_second());
    let send = || stripe().deliver_with(&[&header], event.as_bytes()).expect(200).text_at("outcome");
    assert_eq!(send(), "applied");
    stripe().tell(&subscription.now("canceled").event("deleted", -50), "applied");
    assert_eq!(send(), "outdated");
    workspace.set_plan("pro");
    assert_eq!(send(), "outdated");
    assert_eq!(plan_of(&workspace), "pro");
}

#[test]
fn what_the_operator_set_holds_until_billing_says_something_new() {
    let workspace = workspace_on("starter");
    let subscription = Subscription::of(&workspace.slug, "team");
    let paid = subscription.event("created", -60);
    stripe().tell(&paid, "applied");
    workspace.set_plan("pro");
    stripe().tell(&paid, "repeated");
    assert_eq!(plan_of(&workspace), "pro");
    stripe().tell(&subscription.event("updated", -50), "applied");
    assert_eq!(plan_of(&workspace), "team");
}

#[test]
fn the_end_of_one_subscription_leaves_what_another_pays_for() {
    let workspace = workspace_on("starter");
    let (old, new) = (Subscription::of(&workspace.slug, "pro"), Subscription::of(&workspace.slug, "team"));
    stripe().tell(&old.event("created", -60), "applied");
    // It comes after the end of the old one, although it happened before.
    let replaced = new.event("created", -50);
    stripe().tell(&old.now("canceled").event("deleted", -40), "applied");
    assert_eq!(plan_of(&workspace), "starter");
    stripe().tell(&replaced, "applied");
    assert_eq!(plan_of(&workspace), "team");
    // Of two that are paid for at once the larger counts.
    let third = Subscription::of(&workspace.slug, "pro");
    stripe().tell(&third.event("created", -30), "applied");
    stripe().tell(&new.event("updated", -20), "applied");
    assert_eq!(plan_of(&workspace), "pro");
    stripe().tell(&third.event("deleted", -10), "applied");
    assert_eq!(plan_of(&workspace), "team");
}

#[test]
fn a_subscription_that_moves_takes_its_plan_along_and_is_known_without_its_metadata() {
    let (wrong, right) = (workspace_on("starter"), workspace_on("starter"));
    let subscription = Subscription::of(&wrong.slug, "team");
    stripe().tell(&subscription.event("created", -60), "applied");
    assert_eq!((plan_of(&wrong), plan_of(&right)), ("team".to_owned(), "starter".to_owned()));
    let moved = Subscription { workspace: Some(right.slug.clone()), ..subscription };
    stripe().tell(&moved.event("updated", -50), "applied");
    assert_eq!((plan_of(&wrong), plan_of(&right)), ("starter".to_owned(), "team".to_owned()));
    let unnamed = Subscription { workspace: None, ..moved };
    stripe().tell(&unnamed.now("canceled").event("deleted", -40), "applied");
    assert_eq!((plan_of(&wrong), plan_of(&right)), ("starter".to_owned(), "starter".to_owned()));
}

#[test]
fn what_is_not_keywards_is_taken_and_passed_over() {
    let workspace = workspace_on("team");
    let nameless = Subscription { workspace: None, ..Subscription::of(&workspace.slug, "pro") };
    stripe().tell(&nameless.event("created", 0), "not_for_keyward");
    let mut without_metadata = nameless.event("updated", 0);
    without_metadata["data"]["object"]["metadata"] = json!(null);
    stripe().tell(&without_metadata, "not_for_keyward");
    for event in [
        json!({"id": unique("evt_"), "type": "invoice.paid", "created": 1, "data": {"object": {"items": 7}}}),
        json!({"id": unique("evt_"), "type": "customer.subscription.trial_will_end", "data": {}}),
        json!({"id": unique("evt_"), "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found", "created": "2026-11-21T00:00:00Z"}),
        json!({"type": "customer.subscription.pending_update_applied"}),
        json!({"type": ""}),
    ] {
        stripe().tell(&event, "not_for_keyward");
    }
    assert_eq!(plan_of(&workspace), "team");
}

#[test]
fn an_event_that_cannot_be_applied_is_refused_so_that_somebody_sees_it() {
    let workspace = workspace_on("team");
    let good = Subscription::of(&workspace.slug, "pro");
    for nobody in ["nosuchws", "", "ws_00000000000000000000000000", "Not A Slug", "../me"] {
        let of_nobody = Subscription { workspace: Some(nobody.to_owned()), ..good.clone() };
        for event in [of_nobody.event("updated", 0), of_nobody.now("canceled").event("deleted", 0)] {
            stripe().deliver(&event).refuses_field("data.object.metadata.keyward_workspace");
        }
    }
    for lookup_key in [Some("gold".to_owned()), None] {
        let unknown = Subscription { lookup_key, ..good.clone() };
        stripe().deliver(&unknown.event("updated", 0)).refuses_field("data.object.items.data[0].price.id");
    }
    stripe().deliver(&good.now("what is to come").event("updated", 0)).refuses_field("data.object.status");
    let with = |pointer: &str, value| {
        let mut event = good.event("updated", 0);
        *event.pointer_mut(pointer).expect("a field") = value;
        stripe().deliver(&event)
    };
    with("/data/object/items/data", json!([])).refuses_field("data.object.items.data[0].price.id");
    with("/created", json!("yesterday")).refuses_field("created");
    with("/created", json!(i64::MAX)).refuses_field("created");
    with("/id", json!("")).refuses_field("id");
    with("/id", json!("e".repeat(256))).refuses_field("id");
    with("/data/object/id", json!("s".repeat(256))).refuses_field("data.object.id");
    with("/data/object/status", json!(null)).refuses_field("data.object.status");
    with("/data", json!(7)).refuses_field("data");
    with("/type", json!(7)).refuses_field("type");
    assert_eq!(plan_of(&workspace), "team");
    // An end needs no price.
    let mut ended = good.event("deleted", 0);
    ended["data"]["object"]["items"] = json!({"object": "list", "data": []});
    stripe().tell(&ended, "applied");
    assert_eq!(plan_of(&workspace), "starter");
}

#[test]
fn the_change_is_in_the_audit_log_as_billings() {
    let keyward =
        Keyward::profile("cybrium").env("KEYWARD_BILLING__STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET).start();
    let stripe = Stripe::new(&keyward, WEBHOOK_SECRET);
    let stored = |text: &str| match keyward.database() {
        None => keyward.store_holds(text),
        // Its rows are laid out otherwise.
        Some(database) => {
            let sql = "SELECT concat(actor_type, actor_name, action) FROM audit_entries";
            database.sql(sql).lines().any(|entry| entry == text)
        }
    };
    // The audit log has no address yet. In an entry's row type and name of the actor are before the action.
    let (by_billing, by_operator) = ("billingbillingplan.changed", "operatoroperatorplan.changed");
    let subscription = Subscription::of("acme", "pro");
    stripe.tell(&subscription.now("incomplete").event("created", -9), "undecided");
    assert!(!stored(by_billing), "nothing changed");
    let event = subscription.event("updated", -8);
    stripe.tell(&event, "applied");
    assert!(stored(by_billing) && !stored(by_operator));
    let cause = json!({"plan": "pro", "cause": {"event": event["id"], "subscription": subscription.id}});
    assert!(stored(&cause.to_string()), "{cause}");
    keyward.first_workspace().set_plan("enterprise");
    assert!(stored(by_operator), "the search finds what is there");
}

#[test]
fn what_was_heard_outlives_a_restart() {
    let mut keyward =
        Keyward::profile("cybrium").env("KEYWARD_BILLING__STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET).start();
    let subscription = Subscription::of("acme", "pro");
    let (paid, ended) =
        (subscription.event("updated", -60), subscription.now("canceled").event("deleted", -50));
    Stripe::new(&keyward, WEBHOOK_SECRET).tell(&ended, "applied");
    keyward.restart();
    let stripe = Stripe::new(&keyward, WEBHOOK_SECRET);
    stripe.tell(&ended, "repeated");
    stripe.tell(&paid, "outdated");
    assert_eq!(plan_of(&keyward.first_workspace()), "starter");
}

#[test]
fn without_a_secret_there_is_no_such_address() {
    let keyward = shared("cybrium");
    let event = Subscription::of("acme", "pro").event("updated", 0);
    let unknown = keyward.anonymous().post("/api/v1/billing/elsewhere", event.clone());
    let here = Stripe::new(keyward, "").deliver(&event).problem(404, "not_found");
    assert_eq!(here.body_to_compare(), unknown.problem(404, "not_found").body_to_compare());
    keyward.anonymous().post_nothing(Stripe::PATH).problem(404, "not_found");
    keyward.operator().post(Stripe::PATH, event).problem(404, "not_found");
}
