//! `keyward quickstart`: a store, an owner, a workspace and a first key, and three lines to paste.

mod memory;

use std::path::{Path, PathBuf};

use keyward_core::grant::Wanted;
use keyward_core::id::SessionId;
use keyward_core::person::{DisplayName, Email, Password, Person};
use keyward_core::profile::Profile;
use keyward_core::secret::PlainSecret;
use keyward_service::bootstrap::{Bootstrapped, bootstrap, start_ctx};
use keyward_service::create_key::{Created, NewKey, create_personal_key, create_workspace_key};
use keyward_service::create_workspace::ParsedWorkspace;
use keyward_service::ctx::{Caller, Ctx};
use keyward_service::refusal::Refusal;
use keyward_service::set_up::{Owner, open_claim};
use keyward_service::{Service, clock, entropy, set_plan};

use crate::cli::{Failure, Quickstart, terminal};
use crate::config::{self, Flags};
use crate::serve::Running;
use memory::Memory;

/// Where everything goes unless the command says otherwise.
const FOLDER: &str = "keyward-quickstart";
/// The address that stands for the owner until the set-up link was used.
const PLACEHOLDER: &str = "owner@quickstart.invalid";
const WORKSPACE_NAME: &str = "Quickstart";
const KEY_NAME: &str = "quickstart";

/// Makes what is missing, prints how to try it, and serves.
pub(crate) async fn run(args: Quickstart) -> Result<(), Failure> {
    let folder = args.dir.unwrap_or_else(|| PathBuf::from(FOLDER));
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::failed(format!("cannot make the folder {}: {error}", folder.display())))?;
    let loaded = config::load(&flags(&folder, args.profile))?;
    crate::serve::start_log(&loaded.settings.log)?;
    let running = Running::start(loaded).await?;
    let prepared = prepare(&running, &folder).await?;
    terminal::data(&describe(&running, &folder, &prepared))?;
    running.until_stopped().await
}

/// The store lies in the folder; the log keeps to what needs attention, so that the lines to paste stay in
/// sight.
fn flags(folder: &Path, profile: Option<String>) -> Flags {
    Flags {
        store: Some(format!("sqlite:{}", folder.join("keyward.sqlite").display())),
        log: std::env::var_os("KEYWARD_LOG").is_none().then(|| "warn".to_owned()),
        profile,
        ..Flags::default()
    }
}

/// What the lines to paste are made of.
struct Prepared {
    workspace: String,
    secret: PlainSecret,
    /// What the key may.
    scope: Option<String>,
    /// The way in for the owner, until it was used.
    claim: Option<PlainSecret>,
}

async fn prepare(running: &Running, folder: &Path) -> Result<Prepared, Failure> {
    let failed = |refusal: Refusal| Failure::failed(format!("the quickstart cannot be prepared: {refusal}"));
    let service = &running.service;
    let memory = match first_owner(service).await.map_err(failed)? {
        Some(made) => {
            made.write(folder)?;
            made
        }
        None => Memory::read(folder)?,
    };
    let owner = find_owner(service, &memory).await.map_err(failed)?;
    let claim = (owner.email.as_str() == PLACEHOLDER).then(|| open_claim(service, owner.id));
    let ctx = as_owner(service, owner).map_err(failed)?;
    allow_keys(service, &memory.workspace).await.map_err(failed)?;
    let scope = scope_to_grant(&service.profile);
    let created = first_key(service, &ctx, &memory.workspace, scope.clone()).await.map_err(failed)?;
    Ok(Prepared {
        workspace: memory.workspace,
        secret: created.secret,
        scope,
        claim: claim.transpose().map_err(failed)?,
    })
}

/// An owner with a password that nobody knows: the set-up link gives one.
async fn first_owner(service: &Service) -> Result<Option<Memory>, Refusal> {
    let drawn = entropy::token("kwdrawn_")?.expose().to_owned();
    let owner = Owner {
        email: Email::parse("email", PLACEHOLDER)?,
        name: DisplayName::parse("name", "Owner")?,
        password: Password::choose("password", drawn)?,
    };
    let workspace = ParsedWorkspace { name: DisplayName::parse("workspace", WORKSPACE_NAME)?, slug: None };
    match bootstrap(service, owner, workspace).await? {
        Bootstrapped::Now { signed_in, workspace } => {
            let Some(person) = signed_in.ctx.person_id() else { return Ok(None) };
            Ok(Some(Memory { owner: person.to_string(), workspace: workspace.slug.to_string() }))
        }
        Bootstrapped::Before => Ok(None),
    }
}

async fn find_owner(service: &Service, memory: &Memory) -> Result<Person, Refusal> {
    let id = memory.owner.parse().map_err(|_| Refusal::NotFound("the owner"))?;
    let mut tx = service.store.view_system(keyward_storage::SystemReason::Found).await?;
    tx.person(id).await?.ok_or(Refusal::NotFound("the owner"))
}

/// What this process does in the owner's name, here at the keyboard.
fn as_owner(service: &Service, person: Person) -> Result<Ctx, Refusal> {
    let session = SessionId::new(clock::unix_ms(service.clock.now()), entropy::bytes()?);
    start_ctx(service, Caller::Session { session, person })
}

/// A profile whose first plan has no keys starts on one that has.
async fn allow_keys(service: &Service, workspace: &str) -> Result<(), Refusal> {
    let operator = start_ctx(service, Caller::Operator)?;
    if set_plan::get_plan(service, &operator, workspace).await?.plan.api_keys {
        return Ok(());
    }
    if let Some(plan) = service.profile.plans().iter().find(|plan| plan.api_keys) {
        set_plan::set_plan(service, &operator, workspace, plan.name.as_str()).await?;
    }
    Ok(())
}

/// The first scope of the catalogue, unless keys inherit and have none of their own.
fn scope_to_grant(profile: &Profile) -> Option<String> {
    let first = profile.catalogue.scopes().first().map(|scope| scope.name.to_string());
    first.filter(|_| !profile.keys.inherit)
}

async fn first_key(
    service: &Service,
    ctx: &Ctx,
    workspace: &str,
    scope: Option<String>,
) -> Result<Created, Refusal> {
    let input =
        NewKey { name: KEY_NAME.to_owned(), scopes: scope.into_iter().collect(), ..NewKey::default() };
    if service.profile.keys.kinds.workspace {
        create_workspace_key(service, ctx, workspace, input).await
    } else {
        create_personal_key(service, ctx, input).await
    }
}

fn describe(running: &Running, folder: &Path, prepared: &Prepared) -> String {
    let Prepared { workspace, secret, claim, .. } = prepared;
    let profile = &running.service.profile;
    let console = &running.service.public_url;
    let data = format!("http://{}", running.data_plane);
    let key = secret.expose();
    let way_in = match claim {
        Some(token) => format!("Make yourself the owner (once)  {console}/setup#{}", token.expose()),
        None => format!("Sign in                         {console}/signin"),
    };
    let (may, may_not) = questions(profile, workspace, prepared.scope.as_deref(), key);
    format!(
        "\
Keyward is running, with everything in {folder}.

  Console                         {console}/
  {way_in}
  API reference                   {console}/api/docs/

Your first key, shown this once:

  {key}

Paste these into another terminal. Who is this key?

  curl -s -H 'Authorization: Bearer {key}' {console}/api/v1/{workspace}/whoami

{allowed}

  curl -s -H 'Content-Type: application/json' -d '{may}' {data}/v1/verify

{refused}

  curl -s -H 'Content-Type: application/json' -d '{may_not}' {data}/v1/verify

Ctrl-C stops it. Run again in the same folder, it goes on, with a new key.
",
        folder = folder.display(),
        allowed = may.1,
        refused = may_not.1,
        may = may.0,
        may_not = may_not.0,
    )
}

/// A question that is answered yes and one that is answered no, each with a line that says what it asks.
fn questions(
    profile: &Profile,
    workspace: &str,
    scope: Option<&str>,
    key: &str,
) -> ((String, String), (String, String)) {
    let ask = |extra: &str| format!(r#"{{"key":"{key}",{extra}}}"#);
    let Some(scope) = scope else {
        let yes = (
            ask(&format!(r#""workspace":"{workspace}""#)),
            "May it act in this workspace? (yes: \"valid\":true)".to_owned(),
        );
        let no = (ask(r#""workspace":"another""#), "And in another? (no: workspace_mismatch)".to_owned());
        return (yes, no);
    };
    let other = scope_not_granted(profile, scope);
    let yes = (ask(&format!(r#""scopes":["{scope}"]"#)), format!("May it do {scope}? (yes: \"valid\":true)"));
    let no = (ask(&format!(r#""scopes":["{other}"]"#)), format!("And {other}? (no: insufficient_scope)"));
    (yes, no)
}

/// A scope that the granted one does not include; an action that no catalogue has, if there is none.
fn scope_not_granted(profile: &Profile, granted: &str) -> String {
    let catalogue = &profile.catalogue;
    let grant = keyward_core::grant::Grant { scopes: vec![granted.into()], rules: vec![] };
    let grants = keyward_core::grant::Grants::compile(catalogue, &grant);
    let names = catalogue.scopes().iter().map(|scope| &*scope.name);
    let other = names.into_iter().find(|name| !grants.allows(Wanted::new(catalogue, name), None));
    other.unwrap_or("everything:delete").to_owned()
}
