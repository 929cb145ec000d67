//! The first owner comes in by a one-time link, which `keyward serve` prints while there is nobody.

use std::sync::{Mutex, PoisonError};

use keyward_core::field::{Complaints, FieldError};
use keyward_core::id::UserId;
use keyward_core::person::{DisplayName, Email, Password, Person};
use keyward_core::role::RoleName;
use keyward_core::secret::{PlainSecret, PresentedSecret, SecretDigest};
use keyward_core::workspace::Workspace;
use keyward_storage::{Changed, Credentials, SystemReason};

use crate::Service;
use crate::create_workspace::{self, NewWorkspace, ParsedWorkspace, found};
use crate::ctx::{Caller, Ctx};
use crate::entropy;
use crate::refusal::Refusal;
use crate::sign_in::{SignedIn, open_session};

/// What the token of the set-up link starts with.
const TOKEN_PREFIX: &str = "kwsetup_";
const LINK: &str = "the set-up link";

/// The door of the first owner: open from the start of the process until somebody is there.
#[derive(Debug, Default)]
pub struct SetUpDoor(Mutex<Option<SecretDigest>>);

impl SetUpDoor {
    fn is_key(&self, token: &SecretDigest) -> bool {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) == Some(*token)
    }

    fn set(&self, token: Option<SecretDigest>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

/// The first owner and workspace, as somebody wrote them.
#[derive(Debug)]
pub struct FirstOwner {
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// The password to sign in with.
    pub password: String,
    /// The first workspace.
    pub workspace: NewWorkspace,
}

/// Opens the door, if there is nobody. The token stands in the link that is printed, and nowhere else.
pub async fn open_set_up(service: &Service) -> Result<Option<PlainSecret>, Refusal> {
    if service.store.view_system(SystemReason::Found).await?.has_people().await? {
        return Ok(None);
    }
    let token = entropy::token(TOKEN_PREFIX)?;
    service.set_up.set(Some(token.digest()));
    Ok(Some(token))
}

/// Lets the first owner in by the link. It works once.
pub async fn set_up(
    service: &Service,
    ctx: &Ctx,
    token: &str,
    input: FirstOwner,
) -> Result<SignedIn, Refusal> {
    let token = PresentedSecret::parse(token).ok_or(Refusal::NotFound(LINK))?.digest();
    if !service.set_up.is_key(&token) {
        return Err(Refusal::NotFound(LINK));
    }
    let made = make_first_owner(service, ctx, input).await?;
    service.set_up.set(None);
    match made {
        Made::Now { signed_in, .. } => Ok(*signed_in),
        Made::Before => Err(Refusal::NotFound(LINK)),
    }
}

/// What became of the first owner.
#[derive(Debug)]
pub(crate) enum Made {
    /// Made, with the workspace, and signed in.
    Now { signed_in: Box<SignedIn>, workspace: Workspace },
    /// There was somebody already; nothing was done.
    Before,
}

/// Makes the first owner and workspace, unless there is somebody.
pub(crate) async fn make_first_owner(
    service: &Service,
    ctx: &Ctx,
    input: FirstOwner,
) -> Result<Made, Refusal> {
    let parsed = parse(input)?;
    let password_hash = service.passwords.hash(parsed.password).await?;
    let (ms, random) = ctx.id_parts()?;
    let person = Person {
        id: UserId::new(ms, random),
        email: parsed.email,
        name: parsed.name,
        suspended_at: None,
        created_at: ctx.now,
    };
    let mut tx = service.store.begin_system(SystemReason::Found).await?;
    if tx.has_people().await? {
        return Ok(Made::Before);
    }
    tx.insert_person(&Credentials { person: person.clone(), password_hash }).await?;
    tx.record_change(Changed::Person(person.id)).await?;
    let (workspace, _): (Workspace, RoleName) =
        found(service, ctx, tx.as_mut(), &person, &parsed.workspace).await?;
    let (session, token) = open_session(ctx, tx.as_mut(), &person).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    let signed_in =
        SignedIn { ctx: Ctx { caller: Caller::Session { session, person }, ..ctx.clone() }, token };
    Ok(Made::Now { signed_in: Box::new(signed_in), workspace })
}

struct ParsedOwner {
    email: Email,
    name: DisplayName,
    password: Password,
    workspace: ParsedWorkspace,
}

fn parse(input: FirstOwner) -> Result<ParsedOwner, Refusal> {
    let mut complaints = Complaints::new();
    let email = complaints.take(Email::parse("email", &input.email));
    let name = complaints.take(DisplayName::parse("name", &input.name));
    let password = complaints.take(Password::choose("password", input.password));
    let workspace = create_workspace::parse(&input.workspace, "workspace_name", "workspace_slug");
    let workspace = workspace
        .map_err(|errors: Vec<FieldError>| errors.into_iter().for_each(|error| complaints.add(error)));
    complaints.finish().map_err(Refusal::Invalid)?;
    match (email, name, password, workspace) {
        (Some(email), Some(name), Some(password), Ok(workspace)) => {
            Ok(ParsedOwner { email, name, password, workspace })
        }
        _ => Err(Refusal::Internal("a field without a complaint is missing".to_owned())),
    }
}
