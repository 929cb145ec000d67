//! Import keys that exist already, known by the SHA-256 of their secrets. All of a call, or none.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::Timestamp;
use keyward_core::audit::{AuditAction, AuditHome};
use keyward_core::event::EventKind;
use keyward_core::field::{Complaints, FieldCode, FieldError};
use keyward_core::grant::{Grant, Rule};
use keyward_core::id::{KeyId, WorkspaceId};
use keyward_core::key::{Belongs, IMPORT_MAX, Key, KeyKind, StoredSecret};
use keyward_core::person::DisplayName;
use keyward_core::secret::{SecretDigest, SecretHint};
use keyward_storage::{Changed, StoreError, Tx, Unique};
use serde_json::Value;

use crate::Service;
use crate::access::{Access, Mode};
use crate::account_names::AccountNames;
use crate::audit::{self, Deed};
use crate::create_key::parse::{Parsed, parse};
use crate::create_key::{
    Ended, NewKey, assemble, both, check_confined, check_outlived, check_plan, check_slowed, describe, enter,
    grant_parts, refuse_exceeding,
};
use crate::ctx::Ctx;
use crate::event;
use crate::lifetime;
use crate::refusal::Refusal;

/// Most mistakes of one answer: a person mends some at a time. The last one says how many more there are.
const MISTAKES_MAX: usize = 100;
/// Events of one import: each webhook that is told of new keys gets one of each, in the transaction that others wait for.
/// So many take it some two seconds.
const EVENTS_MAX: usize = 20_000;
/// Keys after which other tasks get their turn: some milliseconds.
const KEYS_AT_ONCE: usize = 64;

/// Rules of a key after which other tasks get their turn: each may cost a millisecond.
const RULES_AT_ONCE: usize = 4;

/// A key from elsewhere, as somebody wrote it.
#[derive(Clone, Default)]
pub struct ForeignKey {
    /// SHA-256 of its secret, in hex.
    pub sha256: String,
    /// What people see of its secret.
    pub hint: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// All that a key which is made here has as well.
    pub key: NewKey,
}

/// Somebody may have put a secret where its digest belongs.
impl std::fmt::Debug for ForeignKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForeignKey").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A key that was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Its identifier.
    pub id: KeyId,
    /// What people call it.
    pub name: DisplayName,
}

/// Refuses who may not import into a workspace, and tells which it is. Asked before they send megabytes;
/// [`import_keys`] asks again.
pub async fn check_may_import(service: &Service, ctx: &Ctx, slug: &str) -> Result<WorkspaceId, Refusal> {
    let (_tx, access) = enter(service, ctx, slug, Mode::Read).await?;
    Ok(access.workspace.id)
}

/// Imports keys of a workspace, in the order given.
pub async fn import_keys(
    service: &Service,
    ctx: &Ctx,
    slug: &str,
    keys: Vec<ForeignKey>,
) -> Result<Vec<Imported>, Refusal> {
    // Before the one writer is taken: others wait for it.
    let keys = read(service, ctx, keys).await?;
    let live = keys.iter().filter(|key| key.parsed.expires_at.is_none_or(|end| end > ctx.now)).count();
    let live = u32::try_from(live).unwrap_or(u32::MAX);
    let (mut tx, checked) = enter(service, ctx, slug, Mode::Read).await?;
    check_plan(service, ctx, &checked, tx.as_mut(), live).await?;
    check_told(tx.as_mut(), checked.workspace.id, keys.len()).await?;
    drop(tx);
    check_given(service, ctx, &checked, &keys).await?;
    let (mut tx, access) = enter(service, ctx, slug, Mode::Write).await?;
    check_plan(service, ctx, &access, tx.as_mut(), live).await?;
    if !access.has_rights_of(&checked) {
        // To compare again would keep the writer, for as long as the caller likes to change their own rights.
        let message = "what you may do here was changed while these keys were checked; send this again";
        return Err(Refusal::Conflict(message.to_owned()));
    }
    check_unknown(tx.as_mut(), &keys).await?;
    keep(service, ctx, tx, &access, keys).await
}

/// The same key, parsed.
struct Ready {
    digest: SecretDigest,
    hint: SecretHint,
    created_at: Timestamp,
    parsed: Parsed,
}

/// Parses all keys, and sees that no secret is there twice.
async fn read(service: &Service, ctx: &Ctx, keys: Vec<ForeignKey>) -> Result<Vec<Ready>, Refusal> {
    check_count(keys.len())?;
    let mut mistakes = Mistakes::default();
    let mut ready = Vec::with_capacity(keys.len());
    let mut seen = HashMap::with_capacity(keys.len());
    for (at, key) in keys.into_iter().enumerate() {
        pause_at(at).await;
        if let Some(digest) = SecretDigest::from_hex(&key.sha256) {
            match seen.entry(digest) {
                Entry::Vacant(place) => drop(place.insert(at)),
                Entry::Occupied(first) => {
                    let message = format!("this secret is there twice; keys[{}] has it too", first.get());
                    mistakes.add(at, FieldError::new("sha256", FieldCode::Taken, message));
                }
            }
        }
        match read_one(service, ctx, key) {
            Ok(key) => ready.push(key),
            Err(Refusal::Invalid(errors)) => errors.into_iter().for_each(|error| mistakes.add(at, error)),
            Err(refusal) => return Err(refusal),
        }
    }
    mistakes.finish()?;
    Ok(ready)
}

fn check_count(count: usize) -> Result<(), Refusal> {
    match count {
        0 => Err(FieldError::new("keys", FieldCode::Required, "give at least one key").into()),
        1..=IMPORT_MAX => Ok(()),
        _ => {
            let message = format!("give at most {IMPORT_MAX} keys a call");
            Err(FieldError::new("keys", FieldCode::TooLarge, message).into())
        }
    }
}

/// Whether the workspace's webhooks can be told of so many keys at once.
async fn check_told(tx: &mut dyn Tx, workspace: WorkspaceId, keys: usize) -> Result<(), Refusal> {
    let told = event::told_of(tx, workspace, EventKind::KeyCreated).await?.len();
    match EVENTS_MAX.checked_div(told) {
        Some(most) if keys > most => {
            let message = format!(
                "{told} webhooks of the workspace are told of each key, so give at most {most} keys a call"
            );
            Err(FieldError::new("keys", FieldCode::TooLarge, message).into())
        }
        Some(_) | None => Ok(()),
    }
}

fn read_one(service: &Service, ctx: &Ctx, key: ForeignKey) -> Result<Ready, Refusal> {
    let mut complaints = Complaints::new();
    let digest = complaints.take(parse_digest(&key.sha256));
    let hint = complaints.take(parse_hint(key.hint.as_deref(), digest.as_ref()));
    let created_at = complaints.take(parse_created_at(ctx.now, key.created_at));
    let parsed = parse(service, ctx, KeyKind::Workspace, key.key, Ended::Accepted);
    let ((), parsed) = both(complaints.finish().map_err(Refusal::Invalid), parsed)?;
    match (digest, hint, created_at) {
        (Some(digest), Some(hint), Some(created_at)) => Ok(Ready { digest, hint, created_at, parsed }),
        _ => Err(Refusal::Internal("a value without a complaint is missing".to_owned())),
    }
}

fn parse_digest(text: &str) -> Result<SecretDigest, FieldError> {
    SecretDigest::from_hex(text).ok_or_else(|| {
        // The text is not repeated: it may be the secret.
        let message = "give the SHA-256 of the secret as 64 hex digits, never the secret itself";
        FieldError::new("sha256", FieldCode::Invalid, message)
    })
}

fn parse_hint(text: Option<&str>, digest: Option<&SecretDigest>) -> Result<SecretHint, FieldError> {
    match (text, digest) {
        (Some(text), Some(digest)) => SecretHint::parse("hint", text, digest),
        (None, _) | (_, None) => Ok(SecretHint::none()),
    }
}

/// To the microsecond, as it is kept.
fn parse_created_at(now: Timestamp, asked: Option<Timestamp>) -> Result<Timestamp, FieldError> {
    let Some(at) = asked else { return Ok(now) };
    if at > now {
        let message = "this time is still to come; give when the key was made, or leave this out";
        return Err(FieldError::new("created_at", FieldCode::TooLarge, message));
    }
    if at < Timestamp::UNIX_EPOCH {
        let message = "give a time from 1970 on, or leave this out";
        return Err(FieldError::new("created_at", FieldCode::TooSmall, message));
    }
    Ok(Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at))
}

/// Nobody grants what they do not hold, also not to a key from elsewhere.
async fn check_given(service: &Service, ctx: &Ctx, access: &Access, keys: &[Ready]) -> Result<(), Refusal> {
    let mut mistakes = Mistakes::default();
    for (at, Ready { parsed, .. }) in keys.iter().enumerate() {
        pause_at(at).await;
        check_held(service, access, &parsed.grant).await.map_err(|refusal| match refusal {
            Refusal::Forbidden(why) => Refusal::Forbidden(format!("keys[{at}]: {why}")),
            other => other,
        })?;
        for checked in [
            check_outlived(ctx, parsed.expires_at),
            lifetime::check_new(ctx, access.workspace.key_lifetime_max, parsed.expires_at),
            check_confined(ctx, &parsed.allowed_cidrs),
            check_slowed(ctx, parsed.requests_per_minute),
        ] {
            match checked {
                Ok(()) => {}
                Err(Refusal::Invalid(errors)) => errors.into_iter().for_each(|error| mistakes.add(at, error)),
                Err(refusal) => return Err(refusal),
            }
        }
    }
    mistakes.finish()
}

/// Each rule may have to be compared with every rule of the caller: others get their turn in between.
async fn check_held(service: &Service, access: &Access, grant: &Grant) -> Result<(), Refusal> {
    let mut exceeding = Vec::new();
    for (at, part) in grant_parts(grant).enumerate() {
        if at % RULES_AT_ONCE == RULES_AT_ONCE - 1 {
            tokio::task::yield_now().await;
        }
        let covers = |rule: &Rule| access.rights().cover(&service.profile.catalogue, rule);
        if !part.rule().is_some_and(|rule| covers(&rule)) {
            exceeding.push(part.name());
        }
    }
    refuse_exceeding(&exceeding)
}

/// A secret opens one key of the whole deployment, now and for ever: one that was revoked stays so. Whose a key
/// in another workspace is, is not told.
async fn check_unknown(tx: &mut dyn Tx, keys: &[Ready]) -> Result<(), Refusal> {
    let digests: Vec<SecretDigest> = keys.iter().map(|key| key.digest).collect();
    let known = tx.known_secrets(&digests).await?;
    let mut mistakes = Mistakes::default();
    for secret in &known {
        let mut message = "a key with this secret is here already".to_owned();
        if let Some(key) = secret.key {
            message = format!("{message}: {key}");
        }
        mistakes.add(secret.at, FieldError::new("sha256", FieldCode::Taken, message));
    }
    if known.len() == keys.len() && known.iter().all(|secret| secret.key.is_some()) {
        let message = "every key of this call is in this workspace already";
        mistakes.sum = Some(FieldError::new("keys", FieldCode::Taken, message));
    }
    mistakes.finish()
}

async fn keep(
    service: &Service,
    ctx: &Ctx,
    mut tx: Box<dyn Tx>,
    access: &Access,
    keys: Vec<Ready>,
) -> Result<Vec<Imported>, Refusal> {
    let workspace = access.workspace.id;
    let mut names = AccountNames::for_keys(tx.as_mut(), keys.iter().map(|key| &key.parsed.name)).await?;
    let mut imported = Vec::with_capacity(keys.len());
    let mut ids = ids_in_order(ctx, keys.len())?.into_iter();
    let mut keys = keys.into_iter();
    loop {
        let mut together = Vec::with_capacity(KEYS_AT_ONCE);
        for (key, id) in keys.by_ref().take(KEYS_AT_ONCE).zip(ids.by_ref()) {
            let Ready { digest, hint, created_at, parsed } = key;
            let acts_as = names.account(ctx, tx.as_mut(), &parsed.name).await?;
            let belongs = Belongs::ToWorkspace { workspace, owner: ctx.person_id(), acts_as };
            let key = assemble(ctx, parsed, belongs, StoredSecret { digest, hint })?;
            together.push(Key { id, created_at, ..key });
        }
        if together.is_empty() {
            break;
        }
        keep_together(ctx, tx.as_mut(), workspace, &together).await?;
        imported.extend(together.into_iter().map(|key| Imported { id: key.id, name: key.name }));
        tokio::task::yield_now().await;
    }
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    tracing::info!(%workspace, keys = imported.len(), "keys imported");
    Ok(imported)
}

/// Writes some keys, what the audit log says of them, and that they are new.
async fn keep_together(
    ctx: &Ctx,
    tx: &mut dyn Tx,
    workspace: WorkspaceId,
    keys: &[Key],
) -> Result<(), Refusal> {
    tx.insert_keys(keys).await.map_err(meanwhile)?;
    let deed = |key: &Key| Deed {
        home: AuditHome::Workspace(workspace),
        action: AuditAction::KeyCreated,
        target: key.id.to_string(),
        before: None,
        after: Some(describe_imported(key)),
    };
    audit::write_all(ctx, tx, keys.iter().map(deed).collect()).await?;
    for key in keys {
        tx.record_change(Changed::Key(key.id)).await?;
    }
    Ok(())
}

/// Identifiers in the order of the request, though all are of one instant: lists sort by them.
fn ids_in_order(ctx: &Ctx, count: usize) -> Result<Vec<KeyId>, Refusal> {
    let id = || ctx.id_parts().map(|(ms, random)| KeyId::new(ms, random));
    let mut ids = (0..count).map(|_| id()).collect::<Result<Vec<KeyId>, Refusal>>()?;
    ids.sort_unstable();
    Ok(ids)
}

/// What was unknown a moment ago is there now: only a store with several writers says so.
fn meanwhile(error: StoreError) -> Refusal {
    match error {
        StoreError::Duplicate(Unique::SecretDigest | Unique::ServiceAccountName) => {
            let message =
                "somebody else brought keys of the same secrets or names meanwhile; send this again";
            Refusal::Conflict(message.to_owned())
        }
        other => other.into(),
    }
}

fn describe_imported(key: &Key) -> Value {
    let mut described = describe(key);
    if let Some(fields) = described.as_object_mut() {
        fields.insert("imported".to_owned(), Value::Bool(true));
        fields.insert("created_at".to_owned(), Value::String(key.created_at.to_string()));
    }
    described
}

/// The work on many keys is long, and all of it on one thread: the data plane's answers must not wait for it.
async fn pause_at(at: usize) {
    if at % KEYS_AT_ONCE == KEYS_AT_ONCE - 1 {
        tokio::task::yield_now().await;
    }
}

/// What is wrong with which of the keys: the first hundred mistakes, and how many more there are.
#[derive(Default)]
struct Mistakes {
    told: Vec<FieldError>,
    more: usize,
    /// What all of them together say.
    sum: Option<FieldError>,
}

impl Mistakes {
    fn add(&mut self, at: usize, error: FieldError) {
        if self.told.len() < MISTAKES_MAX {
            self.told.push(error.within(&format!("keys[{at}]")));
        } else {
            self.more += 1;
        }
    }

    fn finish(mut self) -> Result<(), Refusal> {
        let Self { more, sum, .. } = self;
        self.told.extend(match (more, sum) {
            (0, sum) => sum,
            (_, None) => {
                let message = format!("{more} more mistakes; mend these first");
                Some(FieldError::new("keys", FieldCode::Invalid, message))
            }
            (_, Some(sum)) => {
                let message = format!("{more} more mistakes: {}", sum.message);
                Some(FieldError { message, ..sum })
            }
        });
        if self.told.is_empty() { Ok(()) } else { Err(Refusal::Invalid(self.told)) }
    }
}
