//! The console in a real browser: each reference page walked step by step, by the words on the screen. Tests bear the ids of
//! the rows that they hold.

mod account;
mod attacks;
mod audit;
mod barriers;
mod cerby;
mod cveium;
mod cybrium;
mod cycloid;
mod cysmiq;
mod errors;
mod people;
mod screenshots;
mod security;
mod tour;
mod webhooks;
mod weight;
mod wizard;
mod workspaces;

use std::time::Duration;

use keyward_tests::{Browser, Keyward, Workspace, eventually, now};

/// A page that shows a secret is there by then.
const SECRET_WITHIN: Duration = Duration::from_secs(10);
/// Uses are readable within a second; the machine may be busy.
const READABLE_WITHIN: Duration = Duration::from_secs(10);

/// Somebody new of a workspace, in a browser of their own.
#[track_caller]
fn as_member<'a>(keyward: &'a Keyward, workspace: &Workspace<'_>, role: &str) -> Browser<'a> {
    let person = workspace.member(role);
    let browser = keyward.browser();
    browser.sign_in(&person.email, &person.password);
    browser
}

/// A day as the pages write it.
fn day_in(days: i64) -> String {
    let then = now().as_second() + days * 86_400;
    jiff::Timestamp::from_second(then).expect("a day").strftime("%-d %b %Y").to_string()
}

/// Loads the page again until it says that.
#[track_caller]
fn after_refresh(browser: &Browser<'_>, look: impl Fn() -> String, wanted: &str) {
    let again = || {
        browser.refresh();
        look()
    };
    eventually(READABLE_WITHIN, again, |seen| seen == wanted);
}

/// The secret that stands on the page, which is copied from there.
#[track_caller]
fn secret(browser: &Browser<'_>) -> String {
    let look = || {
        let found = browser.run("return document.querySelector('#secret')?.textContent ?? ''", &[]);
        found.as_str().expect("a text").to_owned()
    };
    eventually(SECRET_WITHIN, look, |secret| !secret.is_empty())
}

/// Says that the secret is stored, and waits for the page behind it.
#[track_caller]
fn done(browser: &Browser<'_>) {
    browser.click("Done");
    let look = || browser.run("return document.querySelector('#secret') === null", &[]) == true;
    eventually(SECRET_WITHIN, look, |is_left| *is_left);
}

/// Asserts that the secret stands nowhere in the page: not on the screen, not in its source, not in its storage.
#[track_caller]
fn is_gone(browser: &Browser<'_>, secret: &str) {
    assert!(secret.len() > 20, "no secret: {secret:?}");
    let body = &secret[secret.len() - 20..];
    assert!(!browser.source().contains(body), "the secret is in {}", browser.path());
    let kept = "return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, history.state, location.href, \
                [...document.querySelectorAll('input, textarea')].map((field) => field.value)])";
    let kept = browser.run(kept, &[]).as_str().expect("a text").to_owned();
    assert!(!kept.contains(body), "the secret is kept: {kept}");
}
