//! One's own account in the browser.

use keyward_tests::shared;

#[test]
fn somebody_changes_their_name_and_password_and_signs_out_elsewhere() {
    let keyward = shared("default");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let (browser, other) = (keyward.browser(), keyward.sign_in(&person.email, &person.password));
    browser.sign_in(&person.email, &person.password);
    browser.click("Your account");
    browser.fill("Your name", "Grace Hopper");
    browser.click("Save name");
    browser.sees("this is your name from now on");
    assert_eq!(browser.value("Your name"), "Grace Hopper");
    browser.sees("This browser");

    other.get("/api/v1/me").expect(200);
    browser.click("Sign out elsewhere");
    browser.sees("You are signed out everywhere but here.");
    other.get("/api/v1/me").problem(401, "unauthenticated");
    assert!(browser.is_button_disabled("Sign out elsewhere"), "there is nobody else");

    let another = keyward.sign_in(&person.email, &person.password);
    browser.fill("Present password", "not the present one");
    browser.fill("New password", "a quite new passphrase");
    browser.click("Change password");
    browser.sees("It is not your password.");
    another.get("/api/v1/me").expect(200);
    browser.fill("Present password", &person.password);
    browser.fill("New password", "a quite new passphrase");
    browser.click("Change password");
    browser.sees("Your password is changed");
    another.get("/api/v1/me").problem(401, "unauthenticated");
    browser.refresh();
    browser.sees("Your account");
    let body = keyward_tests::json!({"email": person.email, "password": person.password});
    keyward.anonymous().post("/api/v1/session", body).refused(&[401]);
    keyward.sign_in(&person.email, "a quite new passphrase");
}
