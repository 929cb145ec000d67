//! What can be told of the two secrets of an open rotation, and asking before one ends that is in use.

use jiff::{SignedDuration, Timestamp};
use keyward_wire::key::Key;

use crate::cli::failure::Failure;
use crate::cli::{clock, confirm, terminal, text};

/// A secret that was used so lately is taken to be in use: somebody would notice its end.
const IN_USE_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// When the old secret was last used, as far as that can be told. Until it is used again after the rotation, that is
/// when the key was last used before it.
pub(super) fn old_last_used(key: &Key) -> Option<Timestamp> {
    let rotation = key.rotation.as_ref()?;
    let before = key.last_used_at.filter(|used| *used < rotation.started_at);
    rotation.old_secret_last_used_at.or(before)
}

/// When the new secret was last used, as far as that can be told: not where the old one was used after it.
pub(super) fn new_last_used(key: &Key) -> Option<Timestamp> {
    let rotation = key.rotation.as_ref()?;
    let since =
        rotation.old_secret_last_used_at.map_or(rotation.started_at, |old| old.max(rotation.started_at));
    key.last_used_at.filter(|used| *used > since)
}

/// Warns if a secret that is to end was used within the last minutes, and asks unless `yes`. `which` is such as "the
/// old secret cvk_…2b91", and `instead` a sentence of what to do first.
pub(super) fn check_unused(
    used: Option<Timestamp>,
    which: &str,
    instead: &str,
    yes: bool,
) -> Result<(), Failure> {
    let now = clock::now();
    let Some(used) = used.filter(|used| now.duration_since(*used) < IN_USE_WITHIN) else { return Ok(()) };
    let warning = format!("{which} was used {}: whoever uses it would be refused", text::from_now(used, now));
    if yes {
        terminal::say(format!("warning: {which} was used {}", text::from_now(used, now)));
        return Ok(());
    }
    if !terminal::is_interactive() {
        return Err(Failure::usage(warning).advise(format!("{instead} To end it all the same, add --yes.")));
    }
    terminal::say(format!("{warning}. {instead}"));
    if confirm::is_yes("Type yes to end it all the same:", None) {
        return Ok(());
    }
    Err(Failure::failed("nothing was changed"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A key whose rotation began at 12:00.
    fn rotated(last_used: Option<&str>, old_last_used: Option<&str>) -> Key {
        let at = |time: &str| format!("2026-11-20T{time}:00Z");
        serde_json::from_value(json!({
            "id": "key_1", "kind": "workspace", "name": "ci", "status": "active", "secret_hint": "kw_…new1",
            "scopes": [], "rules": [], "created_at": at("08:00"), "allowed_cidrs": [], "metadata": {},
            "created_by": {"type": "user", "id": "usr_1", "name": "Ada"}, "last_used_at": last_used.map(at),
            "rotation": {"started_at": at("12:00"), "old_secret_expires_at": at("18:00"),
                         "old_secret_hint": "kw_…old1", "old_secret_last_used_at": old_last_used.map(at)}
        }))
        .unwrap()
    }

    #[test]
    fn each_secret_is_told_when_it_was_used() {
        for (key_used, old_used, old, new) in [
            (None, None, None, None),
            // Before the rotation there was the old one only.
            (Some("11:00"), None, Some("11:00"), None),
            (Some("13:00"), None, None, Some("13:00")),
            (Some("13:00"), Some("13:00"), Some("13:00"), None),
            (Some("14:00"), Some("13:00"), Some("13:00"), Some("14:00")),
        ] {
            let key = rotated(key_used, old_used);
            let at = |time: Option<&str>| time.map(|time| format!("2026-11-20T{time}:00Z").parse().unwrap());
            assert_eq!(old_last_used(&key), at(old), "{key_used:?} {old_used:?}");
            assert_eq!(new_last_used(&key), at(new), "{key_used:?} {old_used:?}");
        }
    }
}
