//! What must not compile: the ways in which a secret could leave by mistake. Each line fails the build of this
//! test if the type gains the trait. (The documentation of the types has the same as code that must not
//! compile.)

use keyward_core::person::Password;
use keyward_core::secret::{PlainSecret, PresentedSecret};
use static_assertions::{assert_impl_all, assert_not_impl_any};

assert_not_impl_any!(PlainSecret: std::fmt::Display, serde::Serialize, Clone, Copy, Into<String>, AsRef<str>, PartialEq);
assert_not_impl_any!(PresentedSecret<'static>: std::fmt::Display, serde::Serialize, Into<String>, AsRef<str>, PartialEq);
assert_not_impl_any!(Password: std::fmt::Display, serde::Serialize, Clone, Copy, Into<String>, AsRef<str>, PartialEq);

// The assertions can fail: what they hold against does exist.
assert_impl_all!(String: std::fmt::Display, serde::Serialize, Clone, AsRef<str>, PartialEq);

#[test]
fn debug_is_redacted_at_any_depth() {
    let password = Password::choose("password", "a long enough passphrase".to_owned()).unwrap();
    let presented = PresentedSecret::parse("kw_something").unwrap();
    let shown = format!("{:#?}", Some((vec![password], presented)));
    assert!(!shown.contains("passphrase") && !shown.contains("something"), "{shown}");
}
