//! What others try through somebody's browser.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};

use keyward_tests::{Browser, json, shared};

use super::{as_member, is_gone, secret};

/// Would run, wherever it stood unescaped: in text, in an attribute, in a script.
const SCRIPT: &str = "'\"></title><img src=x onerror=window.ran=1><script>window.ran=1</script>";

/// A page of another site, until the test ends.
fn elsewhere(html: String) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().filter_map(Result::ok) {
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked);
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close";
            let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{html}", html.len());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    // The same machine by another name is another site.
    format!("http://localhost:{port}/")
}

#[test]
fn a_script_in_a_stored_field_runs_on_no_page() {
    let keyward = shared("default");
    let owner = keyward.workspace().member("owner");
    let named = |what: &str| format!("{what} {SCRIPT}");
    let made = owner.post("/api/v1/workspaces", json!({"name": named("Team")})).expect(201);
    let slug = made.text_at("slug");
    let post = |path: &str, body| owner.post(&format!("/api/v1/{slug}/{path}"), body).expect(201);
    let key = post(
        "keys",
        json!({"name": named("key"), "description": named("about"), "scopes": ["api:read"],
               "metadata": {"'\"><img src=x onerror=window.ran=1>": named("v")}}),
    );
    let role =
        post("roles", json!({"name": named("role"), "description": named("about"), "scopes": ["api:read"]}));
    let account = post("service-accounts", json!({"name": "deployer", "description": named("about")}));
    let hook = post(
        "webhooks",
        json!({"url": "https://hooks.example.com/'%22%3E%3Cimg%3E", "description": named("about")}),
    );
    let asked = json!({"key": key.text_at("secret"), "path": format!("/{SCRIPT}"), "method": "GET"});
    keyward.data().with("User-Agent", SCRIPT).post("/v1/verify", asked).expect(200);
    let (key, role, account, hook) =
        (key.text_at("id"), role.text_at("id"), account.text_at("id"), hook.text_at("id"));

    let browser = keyward.browser();
    browser.sign_in(&owner.email, &owner.password);
    let of_workspace = [
        "keys".to_owned(),
        format!("keys?search={}", "%3Cscript%3Ewindow.ran=1%3C/script%3E"),
        "keys/new".to_owned(),
        format!("keys/{key}"),
        format!("keys/{key}/usage"),
        format!("keys/{key}/edit"),
        format!("keys/{key}/rotate"),
        format!("keys/{key}/revoke"),
        format!("keys/revoke?id={key}"),
        "settings".to_owned(),
        "members".to_owned(),
        "roles".to_owned(),
        format!("roles/{role}"),
        "service-accounts".to_owned(),
        format!("service-accounts/{account}"),
        "webhooks".to_owned(),
        format!("webhooks/{hook}"),
        format!("webhooks/{hook}/edit"),
        "security".to_owned(),
        "billing".to_owned(),
        "audit".to_owned(),
        "audit/verify".to_owned(),
        format!("audit?action={}", "%22%3E%3Cscript%3Ewindow.ran=1%3C/script%3E"),
    ];
    let of_workspace = of_workspace.iter().map(|page| format!("/w/{slug}/{page}"));
    for page in ["/workspaces".to_owned(), "/account".to_owned(), "/account/keys".to_owned()]
        .into_iter()
        .chain(of_workspace)
    {
        browser.open(&page);
        let ran = "return [window.ran ?? null, document.querySelectorAll('img[onerror], script:not([src])').length, document.body !== null]";
        assert_eq!(browser.run(ran, &[]), json!([null, 0, true]), "{page}");
    }
    browser.sees("Audit log");
}

#[test]
fn a_form_on_another_site_changes_nothing() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let key = workspace.create_key(json!({"name": "ci", "scopes": ["api:read"]}));
    let browser = as_member(keyward, &workspace, "owner");
    let form = |path: &str, fields: &str| {
        let action = keyward.page(path);
        format!(
            "<form method=post action='{action}'>{fields}</form><script>document.forms[0].submit()</script>"
        )
    };
    let revoke = format!("/w/{}/keys/{}/revoke", workspace.slug, key.id);
    let security = format!("/w/{}/security", workspace.slug);
    let invite = format!("/w/{}/members", workspace.slug);
    for (path, fields) in [
        (&*revoke, "<input name=name value=ci>"),
        (&*security, "<input name=grace_seconds value=300>"),
        (&*invite, "<input name=email value=eve@example.com><input name=role value=owner>"),
        ("/account/password", "<input name=password value='taken over now'>"),
        ("/signout", ""),
        (
            "/signin",
            "<input name=email value=eve@example.com><input name=password value='the password of eve'>",
        ),
    ] {
        browser.visit(&elsewhere(form(path, fields)));
        browser.sees("That form came from elsewhere");
    }
    assert_eq!(keyward.verify_code(&key.secret), "valid");
    let owner = workspace.owner();
    let path = format!("/api/v1/{}", workspace.slug);
    assert_eq!(owner.get(&path).expect(200).body["grace_seconds"], 0);
    assert!(owner.get(&workspace.path("invitations")).expect(200).items().is_empty());
    browser.open("/account");
    browser.sees("Where you are signed in");
    // The other site's own pages are no pages of ours.
    let complaints = browser.take_complaints();
    assert!(complaints.iter().all(|one| one.contains("localhost")), "{complaints:?}");
}

#[test]
fn no_page_is_shown_in_a_frame() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "owner");
    for path in ["/signin", "/workspaces", &format!("/w/{}/keys", workspace.slug)] {
        browser.visit(&elsewhere(format!("<iframe src='{}'></iframe>", keyward.page(path))));
        let refused = browser.take_complaints();
        assert!(refused.iter().any(|one| one.contains("frame-ancestors")), "{path}: {refused:?}");
    }
}

#[test]
fn the_secret_is_nowhere_once_its_page_is_left() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let browser = as_member(keyward, &workspace, "owner");
    let keys = format!("/w/{}/keys", workspace.slug);
    browser.open(&keys);
    browser.click("Create API key");
    browser.fill("Name", "ci");
    browser.click("Next");
    browser.tick("Read");
    browser.click("Create API key");
    browser.sees("This is the only time");
    browser.click("Reveal");
    let made = secret(&browser);
    browser.sees(&made);
    browser.tick("I have stored the key in a safe place");
    // Away by an address, and back: neither the page that the browser remembers nor the server shows it.
    browser.open("/workspaces");
    is_gone(&browser, &made);
    browser.back();
    is_gone(&browser, &made);
    browser.refresh();
    is_gone(&browser, &made);
    browser.forward();
    is_gone(&browser, &made);
    let caches = browser
        .run_async("caches.keys().then((names) => arguments[0](names.length), () => arguments[0](0))", &[]);
    let databases = browser.run_async("indexedDB.databases().then((all) => arguments[0](all.length))", &[]);
    assert_eq!((caches, databases), (json!(0), json!(0)));
    assert_eq!(keyward.verify_code(&made), "valid");
}

#[test]
fn signing_in_takes_no_session_that_somebody_left_in_the_browser() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let browser = keyward.browser();
    let planted = format!("kwsession_{}", "a".repeat(43));
    let cookie = json!({"name": "__Host-keyward_session", "value": planted, "url": keyward.page("/"), "secure": true, "path": "/"});
    browser.devtools("Network.setCookie", &cookie);
    browser.sign_in(&person.email, &person.password);
    let first = session(&browser);
    assert_ne!(first, planted);
    // Signed in once more from another tab: the session before has ended, in the store too.
    let form = "const form = document.createElement('form'); form.method = 'post'; form.action = '/signin'; \
                for (const [name, value] of Object.entries(arguments[0])) { const field = document.createElement('input'); field.name = name; field.value = value; form.append(field); } \
                document.body.append(form); form.submit();";
    browser.run(form, &[json!({"email": person.email, "password": person.password})]);
    browser.sees("Sign out");
    let second = session(&browser);
    assert_ne!(second, first);
    let asked = |token: &str| {
        let cookie = format!("__Host-keyward_session={token}");
        keyward.anonymous().with("Cookie", &cookie).get("/api/v1/me").status
    };
    assert_eq!([asked(&planted), asked(&first), asked(&second)], [401, 401, 200]);
}

fn session(browser: &Browser<'_>) -> String {
    let cookie = browser.cookie("__Host-keyward_session").expect("a session");
    assert_eq!((&cookie["httpOnly"], &cookie["secure"]), (&json!(true), &json!(true)), "{cookie}");
    cookie["value"].as_str().expect("a value").to_owned()
}

#[test]
fn nobody_is_led_to_another_site() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    for next in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/w//evil.example",
        "javascript:alert(1)",
    ] {
        let browser = keyward.browser();
        let encoded = next.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
        browser.open(&format!("/signin?next={encoded}"));
        browser.fill("E-mail address", &person.email);
        browser.fill("Password", &person.password);
        browser.click("Sign in");
        browser.sees("Sign out");
        assert_eq!(browser.path(), "/workspaces", "{next}");
    }
    // Where somebody wanted to go on this server, they are led.
    let browser = keyward.browser();
    browser.open(&format!("/w/{}/keys?status=active", workspace.slug));
    browser.fill("E-mail address", &person.email);
    browser.fill("Password", &person.password);
    browser.click("Sign in");
    browser.sees("Sign out");
    assert_eq!(browser.path(), format!("/w/{}/keys?status=active", workspace.slug));
}
