//! One's own account: name, password, sessions, and the wait of who guesses passwords.

use std::time::{Duration, Instant};

use keyward_tests::{Answer, Keyward, Person, eventually, json, shared, unique};

const PASSWORD: &str = "another long passphrase";
const NEW: &str = "a passphrase that is new";

fn sign_in(keyward: &Keyward, email: &str, password: &str) -> Answer {
    keyward.anonymous().post("/api/v1/session", json!({"email": email, "password": password}))
}

#[track_caller]
fn sessions(person: &Person) -> Vec<keyward_tests::Value> {
    person.get("/api/v1/me/sessions").expect(200).items()
}

#[test]
fn people_change_what_they_are_called() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let name = unique("Countess");
    assert_eq!(person.patch("/api/v1/me", json!({"name": name})).expect(200).body["name"], name.as_str());
    assert_eq!(person.get("/api/v1/me").expect(200).body["name"], name.as_str());
    let members = workspace.owner().get(&workspace.path("members")).expect(200).items();
    assert!(members.iter().any(|member| member["name"] == name.as_str()), "{members:?}");
    let log = workspace.owner().get(&workspace.path("audit?action=user.renamed")).expect(200).items();
    assert_eq!((&log[0]["before"]["name"], &log[0]["after"]["name"]), (&json!(person.name), &json!(name)));
    for bad in ["", " ", "a\nb"] {
        person.patch("/api/v1/me", json!({"name": bad})).refuses_field("name");
    }
    person.patch("/api/v1/me", json!({"email": "x@example.com"})).refuses_field("email");
    let key = workspace.personal_key(&person, json!({"name": "laptop", "scopes": ["api:read"]}));
    keyward.with_key(&key.secret).patch("/api/v1/me", json!({"name": "x"})).problem(403, "forbidden");
}

#[test]
fn a_new_password_takes_the_old_one_and_ends_all_other_sessions() {
    let keyward = shared("default");
    let person = keyward.workspace().member("member");
    let elsewhere = keyward.sign_in(&person.email, PASSWORD);
    let change = |current: &str, new: &str| {
        let body = json!({"current_password": current, "new_password": new});
        person.post("/api/v1/me/password", body)
    };
    change("not the passphrase", NEW).refuses_field("current_password");
    change(PASSWORD, "short").refuses_field("new_password");
    elsewhere.get("/api/v1/me").expect(200);
    let changed = change(PASSWORD, NEW).expect(200);
    assert_eq!(changed.body["sessions_ended"], 1);
    assert!(!changed.whole().contains(NEW), "{changed}");
    elsewhere.get("/api/v1/me").problem(401, "unauthenticated");
    person.get("/api/v1/me").expect(200);
    sign_in(keyward, &person.email, PASSWORD).problem(401, "unauthenticated");
    sign_in(keyward, &person.email, NEW).expect(200);
    let log = || person.get("/api/v1/me/audit?limit=50").expect(200);
    let log = eventually(Duration::from_secs(5), log, |log| log.whole().contains("session.refused"));
    assert!(log.whole().contains("user.password_changed"), "{log}");
    assert!(!log.whole().contains(NEW) && !log.whole().contains("not the passphrase"));
}

#[test]
fn sessions_are_listed_and_ended_one_by_one_or_all_others_together() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let agent = format!("Browser/{}", "9".repeat(5)) + &" (X11; Linux x86_64)".repeat(8);
    let body = json!({"email": person.email, "password": PASSWORD});
    keyward.anonymous().with("User-Agent", &agent).post("/api/v1/session", body).expect(200);
    let (second, third) =
        (keyward.sign_in(&person.email, PASSWORD), keyward.sign_in(&person.email, PASSWORD));
    let listed = sessions(&person);
    assert_eq!(listed.len(), 4);
    assert_eq!(listed.iter().filter(|session| session["present"] == true).count(), 1);
    let browser = listed[2]["user_agent"].as_str().expect("a program");
    assert!(browser.starts_with("Browser/99999") && browser.chars().count() == 80, "{browser}");
    assert_eq!(listed[0]["ip"], "127.0.0.1");
    let whole = person.get("/api/v1/me/sessions").expect(200).whole();
    for other in [&second, &third] {
        let token = other.header("Cookie").and_then(|cookie| cookie.split_once('=')).expect("a session").1;
        assert!(!whole.contains(token), "what lets in is told to nobody");
    }
    let of = |session: &Person| {
        let present = sessions(session).into_iter().find(|session| session["present"] == true);
        present.expect("the present one")["id"].as_str().expect("an id").to_owned()
    };
    let stranger = workspace.member("viewer");
    stranger.delete(&format!("/api/v1/me/sessions/{}", of(&second))).problem(404, "not_found");
    person.delete(&format!("/api/v1/me/sessions/{}", of(&second))).expect(204);
    second.get("/api/v1/me").problem(401, "unauthenticated");
    third.get("/api/v1/me").expect(200);
    let ended = person.post_nothing("/api/v1/me/sessions/end-others").expect(200);
    assert_eq!(ended.body["sessions_ended"], 2);
    third.get("/api/v1/me").problem(401, "unauthenticated");
    assert_eq!(sessions(&person).len(), 1);
    stranger.get("/api/v1/me").expect(200);
}

#[test]
fn signing_in_ends_the_session_whose_cookie_came_along() {
    let keyward = shared("default");
    let (victim, thief) = (keyward.workspace().member("member"), keyward.workspace().member("member"));
    // Somebody planted their own session in the browser of whoever signs in.
    let body = json!({"email": victim.email, "password": PASSWORD});
    let planted = thief.header("Cookie").expect("a session").to_owned();
    let signed_in = keyward.anonymous().with("Cookie", &planted).post("/api/v1/session", body).expect(200);
    let cookie = signed_in.header("set-cookie").expect("a session").to_owned();
    assert!(!cookie.contains(planted.split_once('=').expect("a cookie").1), "a session of its own");
    thief.get("/api/v1/me").problem(401, "unauthenticated");
    victim.get("/api/v1/me").expect(200);
    // A password that is wrong ends nothing.
    let planted = victim.header("Cookie").expect("a session").to_owned();
    let wrong = json!({"email": thief.email, "password": "wrong passphrase"});
    keyward.anonymous().with("Cookie", &planted).post("/api/v1/session", wrong).expect(401);
    victim.get("/api/v1/me").expect(200);
}

/// A server that is as patient as one that nobody has configured, or less.
fn impatient(account: &str, address: &str) -> Keyward {
    Keyward::profile("default")
        .env("KEYWARD_SIGN_IN__ACCOUNT_FREE_TRIES", account)
        .env("KEYWARD_SIGN_IN__ADDRESS_FREE_TRIES", address)
        .start()
}

#[track_caller]
fn locked_out(answer: Answer) -> u64 {
    let answer = answer.problem(429, "rate_limited");
    let seconds = answer.header("retry-after").and_then(|text| text.parse().ok());
    seconds.unwrap_or_else(|| panic!("no Retry-After: {answer}"))
}

#[test]
fn who_guesses_a_password_waits_and_does_not_learn_whether_there_is_an_account() {
    let keyward = impatient("3", "1000");
    let person = keyward.first_workspace().member("viewer");
    for email in [person.email.as_str(), "nobody@example.com"] {
        for _ in 0..3 {
            sign_in(&keyward, email, "wrong passphrase").problem(401, "unauthenticated");
        }
    }
    // Also the right one is not looked at, and the answers are alike.
    let [known, unknown] =
        [person.email.as_str(), "nobody@example.com"].map(|email| sign_in(&keyward, email, PASSWORD));
    assert!((20..=31).contains(&locked_out(known.clone())), "{known}");
    let without_time = |answer: &Answer| answer.text_at("detail").replace(|c: char| c.is_ascii_digit(), "");
    assert_eq!(without_time(&known), without_time(&unknown));
    locked_out(unknown);
    // Who is signed in stays so, and others sign in as ever.
    person.get("/api/v1/me").expect(200);
    let owner = keyward.owner();
    sign_in(&keyward, &owner.email, &owner.password).expect(200);
    // Nor does another door lead to the password.
    let body = json!({"current_password": "wrong passphrase", "new_password": NEW});
    locked_out(person.post("/api/v1/me/password", body));
    let token = keyward.workspace().invite(&person.email, "viewer").text_at("token");
    let body = json!({"token": token, "name": "Bob", "password": PASSWORD});
    locked_out(keyward.anonymous().post("/api/v1/invitations/accept", body));
}

#[test]
fn a_right_password_forgets_the_wrong_ones_before_it() {
    let keyward = impatient("3", "1000");
    let person = keyward.first_workspace().member("viewer");
    for _ in 0..3 {
        for _ in 0..2 {
            sign_in(&keyward, &person.email, "wrong passphrase").problem(401, "unauthenticated");
        }
        sign_in(&keyward, &person.email, PASSWORD).expect(200);
    }
}

#[test]
fn an_address_waits_whichever_accounts_it_tries_and_comes_in_after_the_wait() {
    let keyward = impatient("1000", "4");
    let owner = keyward.owner().clone();
    for number in 0..4 {
        sign_in(&keyward, &format!("{number}@example.com"), PASSWORD).problem(401, "unauthenticated");
    }
    let seconds = locked_out(sign_in(&keyward, &owner.email, &owner.password));
    assert!(seconds <= 2, "{seconds}");
    let begin = Instant::now();
    let try_again = || sign_in(&keyward, &owner.email, &owner.password).status;
    eventually(Duration::from_secs(5), try_again, |status| *status == 200);
    assert!(begin.elapsed() <= Duration::from_secs(4));
}
