//! `keyward keys rotate`

use keyward_wire::key::{Key, RotateKey};

use super::new_secret::{NewSecret, SecretFlags};
use super::rotation::check_unused;
use crate::cli::connection::{Api, Connection};
use crate::cli::duration::parse_overlap;
use crate::cli::failure::Failure;
use crate::cli::names::KeyId;
use crate::cli::place::{Place, PlaceFlags};
use crate::cli::{clock, terminal, text};

const EXAMPLES: &str = "\
Examples:
  keyward keys rotate key_01jd8xq2m0e6vt5r3n7k9c4wzb --out-file ci.key
  keyward keys rotate key_01jd8xq2m0e6vt5r3n7k9c4wzb --overlap 7d
  KEY=$(keyward keys rotate key_01jd8xq2m0e6vt5r3n7k9c4wzb)

The secret is shown this once, alone on stdout; words go to stderr. With --out-file it goes to
that file (created with mode 0600) and not to stdout. The old secret ends by itself after the
overlap, or at once with `keyward keys rotate-finish`; `keyward keys rotate-cancel` ends the new
one instead.";

/// Give a key a new secret, and print it this once; the old one works on for a while
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Rotate {
    /// Its id; `keyward keys list` shows it
    id: KeyId,
    #[command(flatten)]
    place: PlaceFlags,
    /// How long the old secret works on: 24h, 7d (the most), or 0. Left out: as the profile says, mostly 24h
    #[arg(long, value_name = "TIME", value_parser = parse_overlap)]
    overlap: Option<u64>,
    /// With --overlap 0: do not ask, even if the old secret was used within the last five minutes
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    secret: SecretFlags,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(rotate: &Rotate) -> Result<(), Failure> {
    // First: a secret that has no place to go would be lost.
    let file = rotate.secret.prepare("the key was not rotated")?;
    let api = rotate.connection.open()?;
    let place = rotate.place.resolve(&api)?;
    let path = place.key_path(&rotate.id);
    if rotate.overlap == Some(0) {
        let key: Key = api.get(&path)?.read(api.server())?;
        let secret = format!("the secret {}", key.secret_hint);
        let instead = "Leave --overlap 0 out, so that both work for a while.";
        check_unused(key.last_used_at, &secret, instead, rotate.yes)?;
    }
    let request = RotateKey { overlap_seconds: rotate.overlap };
    let reply = api.post(format!("{path}/rotate"), &request).map_err(|failure| {
        if is_open(&api, &path, &failure) { advise_ending(failure, &rotate.id, &place) } else { failure }
    })?;
    let new = NewSecret::read(reply.json(api.server())?)?;
    rotate.secret.hand_over(&new, file, |why| lost(&new, rotate, &place, why))?;
    announce(&new, &place);
    rotate.secret.say_where();
    next(&new, rotate, &place);
    Ok(())
}

/// Whether a rotation could not begin because one is open.
fn is_open(api: &Api, path: &str, failure: &Failure) -> bool {
    let key = || api.get(path)?.read::<Key>(api.server());
    failure.is_code("conflict") && key().is_ok_and(|key| key.rotation.is_some())
}

fn old_works_on(new: &NewSecret) -> bool {
    new.key().is_some_and(|key| key.rotation.is_some())
}

fn lost(new: &NewSecret, rotate: &Rotate, place: &Place, why: &str) -> Failure {
    let failure =
        Failure::failed(format!("the key was rotated, but its new secret could not be written: {why}"));
    let (id, flag) = (&rotate.id, place.flag());
    if old_works_on(new) {
        failure.advise(format!(
            "The old secret still works. To undo the rotation, run: keyward keys rotate-cancel {id} {flag}"
        ))
    } else {
        failure.advise(format!(
            "The old secret has ended. For another new one, run: keyward keys rotate {id} {flag}"
        ))
    }
}

fn advise_ending(failure: Failure, id: &KeyId, place: &Place) -> Failure {
    let flag = place.flag();
    failure
        .advise(format!("To end the old secret now: keyward keys rotate-finish {id} {flag}"))
        .advise(format!("To end the new one instead: keyward keys rotate-cancel {id} {flag}"))
}

fn announce(new: &NewSecret, place: &Place) {
    let now = clock::now();
    let (name, id, hint) = (new.text("name"), new.text("id"), new.text("secret_hint"));
    terminal::say(format!("Rotated {name} ({id}) in {place}; its new secret is {hint}."));
    let Some(key) = new.key() else { return };
    // So far nobody has used the new one.
    let used = key.last_used_at.map_or_else(
        || "it was never used".to_owned(),
        |used| format!("it was last used {}", text::from_now(used, now)),
    );
    match key.rotation {
        Some(rotation) => {
            let (old, end) = (rotation.old_secret_hint, text::at(rotation.old_secret_expires_at, now));
            terminal::say(format!("The old secret, {old}, works until {end}; {used}."));
        }
        None => terminal::say(format!("The old secret has ended; {used}.")),
    }
}

fn next(new: &NewSecret, rotate: &Rotate, place: &Place) {
    if !old_works_on(new) {
        rotate.secret.hint(place);
        return;
    }
    terminal::say(
        "Give the new one to everybody who uses the key; `keyward keys show` says whether the old one is still used.",
    );
    terminal::hint(format!("keyward keys rotate-finish {} {}   (ends the old one)", rotate.id, place.flag()));
}
