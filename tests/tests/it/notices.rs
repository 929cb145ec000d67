//! Notices of keys' ends: to people, by real mail, once each, whatever happens to the servers meanwhile.
//!
//! The binary has the real clock. A key that lives a second longer than a day is told of in a second.

use std::time::Duration;

use keyward_tests::{Key, Keyward, Mail, MailServer, Person, Receiver, Workspace, eventually, json};

use crate::store::Store;

const DAY: u64 = 86_400;
/// A notice is given and a mail sent within a second or two; a busy machine takes longer.
const SOON: Duration = Duration::from_secs(20);
/// For what must not come: some rounds of all that is at work.
const A_WHILE: Duration = Duration::from_secs(4);

fn start(mail: &MailServer, profile: &str) -> Keyward {
    mail.configure(Keyward::profile(profile))
        .env("KEYWARD_SERVER__PUBLIC_URL", "https://keys.example.com")
        .start()
}

/// Makes a key that is told of in a moment: it ends in a day and a bit.
fn ends_tomorrow(workspace: &Workspace<'_>, name: &str) -> Key {
    let scope = workspace.first_scope();
    workspace.create_key(json!({"name": name, "scopes": [scope], "expires_in_seconds": DAY + 2}))
}

/// The mails that tell of a key of that name, once nothing more comes.
#[track_caller]
fn told_of(mail: &MailServer, name: &str) -> Vec<Mail> {
    let about = || -> Vec<Mail> {
        mail.mails().into_iter().filter(|mail| mail.subject.contains(&format!("\"{name}\""))).collect()
    };
    eventually(SOON, about, |mails| !mails.is_empty());
    std::thread::sleep(A_WHILE);
    about()
}

/// How the mails of the store ended, and how often each was tried.
fn states(keyward: &Keyward) -> Vec<(String, i64)> {
    Store::of(keyward).rows("SELECT state, attempts FROM mails ORDER BY id")
}

#[track_caller]
fn has_state(keyward: &Keyward, state: &str) {
    eventually(SOON, || states(keyward), |found| found.iter().any(|(found, _)| found == state));
}

#[test]
fn the_people_of_a_key_are_told_once_before_its_end_and_once_at_it() {
    let mail = MailServer::start();
    let mut keyward = start(&mail, "cveium");
    let workspace = keyward.first_workspace();
    let key = ends_tomorrow(&workspace, "ci-pipeline-prod");
    let body = json!({"name": "short", "scopes": ["products:read"], "expires_in_seconds": 2});
    let short = workspace.create_key(body);
    workspace
        .create_key(json!({"name": "long", "scopes": ["products:read"], "expires_in_seconds": 40 * DAY}));
    workspace.create_key(json!({"name": "endless", "scopes": ["products:read"]}));
    let [mail_of_key] = &told_of(&mail, "ci-pipeline-prod")[..] else { panic!("{:#?}", mail.mails()) };
    let [mail_of_short] = &told_of(&mail, "short")[..] else { panic!("{:#?}", mail.mails()) };
    assert_eq!(mail.mails().len(), 2, "{:#?}", mail.mails());

    assert_eq!(mail_of_key.from, "keyward@example.com");
    assert_eq!(mail_of_key.to, keyward.owner().email);
    let shown = |mail: &Mail, key: &Key| {
        let ends_at = &key.created.text_at("expires_at")[..16].replace('T', " ");
        let text = mail.text.replace(&key.id, "KEY_ID").replace(ends_at, "TIME");
        format!("{}\n\n{text}", mail.subject)
    };
    insta::assert_snapshot!("tomorrow", shown(mail_of_key, &key));
    insta::assert_snapshot!("ended", shown(mail_of_short, &short));
    for mail in mail.mails() {
        assert!(mail.id.starts_with("<mail_") && mail.id.ends_with("@example.com>"), "{}", mail.id);
        assert!(mail.headers.contains(&"Auto-Submitted: auto-generated".to_owned()), "{:?}", mail.headers);
        let whole = format!("{mail:?}");
        for secret in [&key.secret, &short.secret] {
            assert!(!whole.contains(&secret[..12]), "a part of a secret is in it: {whole}");
        }
    }
    assert_eq!(states(&keyward), [("sent".to_owned(), 1), ("sent".to_owned(), 1)]);
    let metrics = keyward.data().get("/metrics").expect(200).text;
    for line in
        ["keyward_notices_total 2", "keyward_mails_sent_total 2", "keyward_mail_failed_attempts_total 0"]
    {
        assert!(metrics.lines().any(|found| found == line), "no {line}: {metrics}");
    }

    let path = format!("/api/v1/acme/keys/{}/notices", key.id);
    let seen = keyward.owner().get(&path).expect(200).items();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!((&seen[0]["kind"], &seen[0]["days_before"]), (&json!("key.expiring"), &json!(1)));
    assert_eq!(seen[0]["expires_at"], key.created.body["expires_at"]);
    let mails = &seen[0]["mails"];
    assert_eq!((&mails[0]["status"], &mails[0]["attempts"]), (&json!("sent"), &json!(1)), "{seen:?}");
    assert_eq!(mails[0]["to"], keyward.owner().id_in("acme"));

    // Neither a restart nor a new secret tells of it again.
    keyward.restart();
    let path = format!("/api/v1/acme/keys/{}/rotate", key.id);
    keyward.owner().post_nothing(&path).expect(200);
    std::thread::sleep(A_WHILE);
    keyward.pid().kill_9();
    keyward.restart_after_death();
    std::thread::sleep(A_WHILE);
    assert_eq!(mail.mails().len(), 2, "{:#?}", mail.mails());
}

#[test]
fn a_server_that_is_killed_or_stopped_while_a_mail_is_on_its_way_sends_it_once() {
    let mail = MailServer::start();
    let mut keyward = start(&mail, "cveium");
    // Killed: the text has arrived, and the mail server has not said yes.
    mail.hold();
    ends_tomorrow(&keyward.first_workspace(), "killed");
    eventually(SOON, || mail.arrived(), |arrived| *arrived == 1);
    keyward.pid().kill_9();
    eventually(SOON, || mail.lost(), |lost| *lost == 1);
    mail.let_go();
    keyward.restart_after_death();
    let [first] = &told_of(&mail, "killed")[..] else { panic!("{:#?}", mail.mails()) };
    assert_eq!(mail.arrived(), 2, "it was sent again");
    assert_eq!(states(&keyward), [("sent".to_owned(), 2)]);

    // Stopped: it waits for the yes, and goes.
    mail.hold();
    ends_tomorrow(&keyward.first_workspace(), "stopped");
    eventually(SOON, || mail.arrived(), |arrived| *arrived == 3);
    keyward.ask_to_terminate();
    std::thread::sleep(Duration::from_millis(500));
    mail.let_go();
    keyward.wait_for_exit_0();
    keyward.restart();
    let [second] = &told_of(&mail, "stopped")[..] else { panic!("{:#?}", mail.mails()) };
    assert_eq!(mail.arrived(), 3, "it was not sent again");
    assert_ne!(first.id, second.id);
}

#[test]
fn killed_at_any_moment_it_tells_of_every_key_and_twice_at_most_by_the_same_mail() {
    let mail = MailServer::start();
    let mut keyward = start(&mail, "cveium");
    let rounds =
        std::env::var("KEYWARD_NOTICE_ROUNDS").ok().map_or(3, |rounds| rounds.parse().expect("a number"));
    let names: Vec<String> = (0..8 * rounds).map(|number| format!("key-{number}")).collect();
    for names in names.chunks(8) {
        for name in names {
            ends_tomorrow(&keyward.first_workspace(), name);
        }
        std::thread::sleep(Duration::from_millis(1_500 + keyward_tests::pick(1_500)));
        keyward.pid().kill_9();
        keyward.restart_after_death();
    }
    let all_told = |mails: &Vec<Mail>| {
        names.iter().all(|name| mails.iter().any(|mail| mail.subject.contains(&format!("\"{name}\""))))
    };
    eventually(SOON, || mail.mails(), all_told);
    std::thread::sleep(A_WHILE);
    let mut twice = 0;
    for name in &names {
        let mails: Vec<Mail> =
            mail.mails().into_iter().filter(|mail| mail.subject.contains(&format!("\"{name}\""))).collect();
        assert!(mails.iter().all(|mail| mail.id == mails[0].id), "two mails of one notice: {mails:#?}");
        twice += mails.len() - 1;
    }
    // Only what was on its way between the mail server's yes and our mark: one for each sender and kill at most.
    assert!(twice <= 4 * rounds, "{twice} came twice in {rounds} rounds");
    assert!(states(&keyward).iter().all(|(state, _)| state == "sent"), "{:?}", states(&keyward));
}

#[test]
fn a_mail_server_that_is_down_for_a_while_gets_everything_afterwards() {
    let mut mail = MailServer::start();
    let keyward = start(&mail, "cveium");
    mail.stop();
    let workspace = keyward.first_workspace();
    ends_tomorrow(&workspace, "one");
    ends_tomorrow(&workspace, "two");
    let tried =
        || states(&keyward).iter().filter(|(state, attempts)| state == "waiting" && *attempts > 0).count();
    eventually(SOON, tried, |tried| *tried == 2);
    mail.begin();
    for name in ["one", "two"] {
        assert_eq!(told_of(&mail, name).len(), 1, "{:#?}", mail.mails());
    }
    assert!(states(&keyward).iter().all(|(state, attempts)| state == "sent" && *attempts > 1));
}

#[test]
fn what_the_mail_server_refuses_for_good_is_not_tried_again() {
    let mail = MailServer::start();
    let keyward = start(&mail, "cveium");
    let owner = &keyward.owner().email;
    mail.answer(owner, "550 no such user here");
    ends_tomorrow(&keyward.first_workspace(), "refused");
    has_state(&keyward, "refused");
    let errors: Vec<(String, i64)> = Store::of(&keyward).rows("SELECT error, attempts FROM mails");
    assert!(errors[0].0.contains("no such user here") && errors[0].1 == 1, "{errors:?}");
    mail.answer(owner, "451 come back later");
    ends_tomorrow(&keyward.first_workspace(), "later");
    let waits = || states(&keyward).contains(&("waiting".to_owned(), 1));
    eventually(SOON, waits, |waits| *waits);
    mail.answer("nobody@example.com", "550 no");
    assert_eq!(told_of(&mail, "later").len(), 1);
    assert_eq!(mail.mails().len(), 1, "{:#?}", mail.mails());
}

#[test]
fn those_are_told_who_look_after_the_key() {
    let mail = MailServer::start();
    let keyward = start(&mail, "default");
    let workspace = keyward.first_workspace();
    let (ada, grace, bob) = (keyward.owner().clone(), workspace.member("admin"), workspace.member("viewer"));
    let leaver = workspace.member("admin");
    let suspended = workspace.member("admin");
    let scope = workspace.first_scope();
    let body = |name: &str| json!({"name": name, "scopes": [scope], "expires_in_seconds": DAY + 6});
    let of = |person: &Person, name: &str| person.post(&workspace.path("keys"), body(name)).expect(201);
    let own = |person: &Person, name: &str| workspace.personal_key(person, body(name));
    of(&grace, "of grace");
    of(&leaver, "of nobody");
    of(&suspended, "of suspended");
    own(&bob, "own of bob");
    own(&leaver, "own of leaver");
    own(&suspended, "own of suspended");
    let revoked = workspace.create_key(body("revoked"));
    workspace.remove(&leaver);
    workspace.revoke(&revoked);
    let path = workspace.path(&format!("members/{}", suspended.id_in(&workspace.slug)));
    ada.patch(&path, json!({"suspended": true})).expect(200);

    let to = |name: &str| {
        let mut to: Vec<String> = told_of(&mail, name).into_iter().map(|mail| mail.to).collect();
        to.sort();
        to
    };
    let mut managers = vec![ada.email.clone(), grace.email.clone()];
    managers.sort();
    assert_eq!(to("of grace"), [grace.email.as_str()]);
    assert_eq!(to("own of bob"), [bob.email.as_str()]);
    assert_eq!(to("of nobody"), managers);
    assert_eq!(to("of suspended"), managers);
    let all = mail.mails();
    assert_eq!(all.len(), 6, "{all:#?}");
    let to_managers = all.iter().find(|mail| mail.subject.contains("of nobody")).expect("a mail");
    assert!(to_managers.text.contains("because nobody looks after this key"), "{}", to_managers.text);
    let personal = all.iter().find(|mail| mail.subject.contains("own of bob")).expect("a mail");
    assert!(personal.text.starts_with("Your personal API key \"own of bob\" expires"), "{}", personal.text);
    assert!(personal.text.contains("--personal"), "{}", personal.text);
}

#[test]
fn a_key_that_was_revoked_while_its_mail_waited_is_not_written_about() {
    let mut mail = MailServer::start();
    let keyward = start(&mail, "cveium");
    mail.stop();
    let key = ends_tomorrow(&keyward.first_workspace(), "gone");
    eventually(SOON, || states(&keyward), |found| found.iter().any(|(_, attempts)| *attempts > 0));
    keyward.first_workspace().revoke(&key);
    mail.begin();
    has_state(&keyward, "dropped");
    assert_eq!(mail.mails(), []);
}

#[test]
fn a_server_that_was_off_for_a_week_tells_the_nearest_notice_alone() {
    let mail = MailServer::start();
    let mut keyward = start(&mail, "cveium");
    let workspace = keyward.first_workspace();
    for name in ["due", "ended long ago"] {
        workspace
            .create_key(json!({"name": name, "scopes": ["products:read"], "expires_in_seconds": 40 * DAY}));
    }
    keyward.terminate();
    // As it would be had it been made 37 days ago, when its first notice was to come 30 days before its end.
    let shift = |name: &str, days: u64| {
        let shift = days * DAY * 1_000_000;
        format!(
            "UPDATE notices_due SET due_at = due_at - {shift} WHERE key_id = (SELECT id FROM keys WHERE name = '{name}');
             UPDATE keys SET created_at = created_at - {shift}, ends_at = ends_at - {shift} WHERE name = '{name}';"
        )
    };
    Store::tamper(&keyward, &format!("{} {}", shift("due", 37), shift("ended long ago", 80)));
    keyward.restart();
    let [only] = &told_of(&mail, "due")[..] else { panic!("{:#?}", mail.mails()) };
    assert!(only.subject.contains("expires within 3 days"), "{}", only.subject);
    assert_eq!(mail.mails().len(), 1, "an end of 40 days ago is no news: {:#?}", mail.mails());
    let days: Vec<(String, i64)> =
        Store::of(&keyward).rows("SELECT k.name, n.days FROM notices n JOIN keys k ON k.id = n.key_id");
    assert_eq!(days, [("due".to_owned(), 7)]);
}

#[test]
fn mail_goes_over_tls_with_a_password_and_not_without() {
    let mail = MailServer::start_with_tls();
    let keyward = start(&mail, "cycloid");
    let workspace = keyward.first_workspace();
    let name = "schlüssel, \"prod\" ✓";
    let scope = workspace.first_scope();
    workspace.create_key(json!({"name": name, "scopes": [scope], "expires_in_seconds": 2}));
    let sent = mail.expect(1, SOON);
    assert!(sent[0].tls && sent[0].user.as_deref() == Some("keyward"), "{sent:?}");
    assert!(sent[0].subject.contains(name), "{}", sent[0].subject);
    assert!(
        sent[0].text.contains(&format!("\"{name}\" of the organization \"Acme\" has expired")),
        "{}",
        sent[0].text
    );
    // No name begins another header: none with a line break is taken.
    for name in ["a\r\nBcc: eve@example.com", "a\nb", "a\u{2028}b"] {
        let body = json!({"name": name, "scopes": [scope]});
        workspace.owner().post(&workspace.path("keys"), body).refuses_field("name");
    }

    let doctor = |builder: keyward_tests::Builder| {
        let keyward = builder.start();
        let output = keyward.command("doctor").output().expect("keyward doctor");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = doctor(mail.configure(Keyward::profile("default")));
    assert!(said.contains("ok    mail server localhost:"), "{said}");
    let said = doctor(mail.configure(Keyward::profile("default")).env("KEYWARD_MAIL__PASSWORD", "another"));
    assert!(said.contains("FAIL  mail server localhost:") && said.contains("535"), "{said}");
    let said = doctor(mail.configure(Keyward::profile("default")).without("SSL_CERT_FILE"));
    assert!(said.contains("FAIL  mail server localhost:"), "{said}");
    assert_eq!(mail.mails().len(), 1, "the doctor sends nothing");
}

#[test]
fn a_test_mail_shows_whether_mail_goes_out() {
    let mail = MailServer::start();
    let keyward = start(&mail, "default");
    let run = |keyward: &Keyward, arguments: &[&str]| {
        let output = keyward.command("mail").args(arguments).output().expect("keyward mail");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = run(&keyward, &["test", "--to", "Grace@example.com"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("has taken a mail to grace@example.com"), "{said}");
    assert_eq!(mail.expect(1, SOON)[0].to, "grace@example.com");
    mail.answer("grace@example.com", "550 no such user here");
    let (code, said) = run(&keyward, &["test", "--to", "grace@example.com"]);
    assert!(code == Some(1) && said.contains("no such user here"), "{said}");
    let (code, said) = run(&keyward, &["test", "--to", "nobody"]);
    assert_eq!(code, Some(2), "{said}");
    let without = Keyward::profile("default").start();
    let (code, said) = run(&without, &["test", "--to", "grace@example.com"]);
    assert!(code == Some(1) && said.contains("mail.host"), "{said}");
}

#[test]
fn nobody_is_told_where_notices_are_switched_off() {
    let mail = MailServer::start();
    let mut keyward =
        mail.configure(Keyward::profile("cveium")).env("KEYWARD_NOTICES__ENABLED", "false").start();
    ends_tomorrow(&keyward.first_workspace(), "quiet");
    std::thread::sleep(A_WHILE);
    assert_eq!(mail.mails(), []);
    keyward.set_env("KEYWARD_NOTICES__ENABLED", "true");
    keyward.restart();
    assert_eq!(told_of(&mail, "quiet").len(), 1, "switched on again, what is due is told");
}

#[test]
fn a_workspaces_webhooks_are_told_and_a_personal_keys_end_is_no_workspaces_matter() {
    let keyward = Keyward::profile("default").sends_here().start();
    let workspace = keyward.first_workspace();
    // Nobody is there: what is to be sent waits, where it can be looked at.
    let body = json!({"url": Receiver::away().url("/")});
    workspace.owner().post(&workspace.path("webhooks"), body).expect(201);
    ends_tomorrow(&workspace, "soon");
    let scope = workspace.first_scope();
    let body = |name: &str| json!({"name": name, "scopes": [scope], "expires_in_seconds": 2});
    workspace.create_key(body("now"));
    workspace.personal_key(keyward.owner(), body("own"));
    let told = || -> Vec<(String, i64)> {
        let (name, days) = if keyward.database().is_some() {
            ("(payload::json #>> '{data,after,name}')", "(payload::json #>> '{data,days_left}')")
        } else {
            ("json_extract(payload, '$.data.after.name')", "json_extract(payload, '$.data.days_left')")
        };
        Store::of(&keyward).rows(&format!(
            "SELECT kind || ' ' || {name}, coalesce(cast({days} AS bigint), -1)
             FROM webhook_deliveries WHERE kind LIKE 'key.expir%' ORDER BY kind"
        ))
    };
    eventually(SOON, told, |told| told.len() == 2);
    std::thread::sleep(A_WHILE);
    assert_eq!(told(), [("key.expired now".to_owned(), -1), ("key.expiring soon".to_owned(), 1)]);
}
