//! The first owner comes in by a one-time link. `keyward serve` prints one while there is nobody; a quickstart
//! prints one that claims the owner that it made.

use std::sync::{Mutex, PoisonError};

use keyward_core::field::{Complaints, FieldCode, FieldError};
use keyward_core::id::UserId;
use keyward_core::person::{DisplayName, Email, Password, Person};
use keyward_core::role::RoleName;
use keyward_core::secret::{PlainSecret, PresentedSecret, SecretDigest};
use keyward_core::workspace::Workspace;
use keyward_storage::{Changed, Credentials, StoreError, SystemReason, Unique};

use crate::Service;
use crate::create_workspace::{self, NewWorkspace, ParsedWorkspace, found};
use crate::ctx::{Caller, Ctx};
use crate::entropy;
use crate::refusal::Refusal;
use crate::sign_in::{SignedIn, open_session};

/// What the token of the set-up link starts with.
pub(crate) const TOKEN_PREFIX: &str = "kwsetup_";
const LINK: &str = "the set-up link";

/// What a set-up link opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Opening {
    token: SecretDigest,
    /// The owner whom it claims. `None`: it makes the first one.
    claims: Option<UserId>,
}

/// The door of the first owner: open from the start of the process until somebody came in.
#[derive(Debug, Default)]
pub struct SetUpDoor(Mutex<Option<Opening>>);

impl SetUpDoor {
    /// Whether somebody may still come in by a link.
    pub fn is_open(&self) -> bool {
        self.get().is_some()
    }

    /// Whether the link claims an owner who is there, so that no workspace is asked for.
    pub fn claims(&self) -> bool {
        self.get().is_some_and(|opening| opening.claims.is_some())
    }

    fn get(&self) -> Option<Opening> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, opening: Option<Opening>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = opening;
    }

    /// Closes the door, if this token still opens it: of two who come at once, one gets in.
    fn pass(&self, token: &SecretDigest) -> Option<Passing<'_>> {
        let found =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).take_if(|opening| opening.token == *token);
        found.map(|opening| Passing { door: self, opening, came_in: false })
    }
}

/// Somebody on the way through the door. Who does not come in (a mistake, a connection that broke off) leaves
/// it open for the same link.
struct Passing<'a> {
    door: &'a SetUpDoor,
    opening: Opening,
    came_in: bool,
}

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        if !self.came_in {
            self.door.set(Some(self.opening));
        }
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
    /// The first workspace. Not asked for where the link claims an owner.
    pub workspace: Option<NewWorkspace>,
}

/// The first owner, parsed.
#[derive(Debug)]
pub struct Owner {
    /// Their address.
    pub email: Email,
    /// Their name.
    pub name: DisplayName,
    /// The password to sign in with.
    pub password: Password,
}

/// Opens the door, if there is nobody. The token stands in the link that is printed, and nowhere else.
pub async fn open_set_up(service: &Service) -> Result<Option<PlainSecret>, Refusal> {
    if service.store.view_system(SystemReason::Found).await?.has_people().await? {
        return Ok(None);
    }
    open(service, None).map(Some)
}

/// Opens the door to an owner who was made without a person at hand.
pub fn open_claim(service: &Service, owner: UserId) -> Result<PlainSecret, Refusal> {
    open(service, Some(owner))
}

fn open(service: &Service, claims: Option<UserId>) -> Result<PlainSecret, Refusal> {
    let token = entropy::token(TOKEN_PREFIX)?;
    service.set_up.set(Some(Opening { token: token.digest(), claims }));
    Ok(token)
}

/// Lets the first owner in by the link. It works once; a mistake in the fields leaves it open.
pub async fn set_up(
    service: &Service,
    ctx: &Ctx,
    token: &str,
    input: FirstOwner,
) -> Result<SignedIn, Refusal> {
    let token = PresentedSecret::parse(token).ok_or(Refusal::NotFound(LINK))?.digest();
    let opening =
        service.set_up.get().filter(|opening| opening.token == token).ok_or(Refusal::NotFound(LINK))?;
    let (owner, workspace) = parse(input, opening.claims.is_some())?;
    let mut passing = service.set_up.pass(&token).ok_or(Refusal::NotFound(LINK))?;
    let made = match (passing.opening.claims, workspace) {
        (Some(claimed), _) => claim(service, ctx, claimed, owner).await,
        (None, Some(workspace)) => match make_first_owner(service, ctx, owner, &workspace).await {
            Ok(Made::Now { signed_in, .. }) => Ok(*signed_in),
            Ok(Made::Before) => Err(Refusal::NotFound(LINK)),
            Err(error) => Err(error),
        },
        (None, None) => {
            Err(FieldError::new("workspace_name", FieldCode::Required, "name the first workspace").into())
        }
    };
    passing.came_in = made.is_ok();
    made
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
    owner: Owner,
    workspace: &ParsedWorkspace,
) -> Result<Made, Refusal> {
    if service.store.view_system(SystemReason::Found).await?.has_people().await? {
        return Ok(Made::Before);
    }
    let password_hash = service.passwords.hash(owner.password).await?;
    let (ms, random) = ctx.id_parts()?;
    let person = Person {
        id: UserId::new(ms, random),
        email: owner.email,
        name: owner.name,
        suspended_at: None,
        created_at: ctx.now,
    };
    let mut tx = service.store.begin_system(SystemReason::Found).await?;
    // Asked again, since two processes may have started at once.
    if tx.has_people().await? {
        tx.commit().await?;
        return Ok(Made::Before);
    }
    tx.insert_person(&Credentials { person: person.clone(), password_hash }).await?;
    tx.record_change(Changed::Person(person.id)).await?;
    let (workspace, _): (Workspace, RoleName) = found(service, ctx, tx.as_mut(), &person, workspace).await?;
    let (session, token) = open_session(ctx, tx.as_mut(), &person).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    let signed_in =
        SignedIn { ctx: Ctx { caller: Caller::Session { session, person }, ..ctx.clone() }, token };
    Ok(Made::Now { signed_in: Box::new(signed_in), workspace })
}

/// Gives the owner that a quickstart made to the person who holds the link.
async fn claim(service: &Service, ctx: &Ctx, claimed: UserId, owner: Owner) -> Result<SignedIn, Refusal> {
    let password_hash = service.passwords.hash(owner.password).await?;
    let mut tx = service.store.begin_system(SystemReason::Found).await?;
    let before = tx.person(claimed).await?.ok_or(Refusal::NotFound(LINK))?;
    let person = Person { email: owner.email, name: owner.name, ..before };
    match tx.update_person(&Credentials { person: person.clone(), password_hash }).await {
        Err(StoreError::Duplicate(Unique::PersonEmail)) => {
            return Err(Refusal::Conflict("somebody has this address already; sign in".to_owned()));
        }
        other => other?,
    };
    tx.record_change(Changed::Person(person.id)).await?;
    let (session, token) = open_session(ctx, tx.as_mut(), &person).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok(SignedIn { ctx: Ctx { caller: Caller::Session { session, person }, ..ctx.clone() }, token })
}

fn parse(input: FirstOwner, claims: bool) -> Result<(Owner, Option<ParsedWorkspace>), Refusal> {
    let mut complaints = Complaints::new();
    let email = complaints.take(Email::parse("email", &input.email));
    let name = complaints.take(DisplayName::parse("name", &input.name));
    let password = complaints.take(Password::choose("password", input.password));
    let workspace = match (claims, input.workspace) {
        (true, _) => None,
        (false, Some(workspace)) => {
            match create_workspace::parse(&workspace, "workspace_name", "workspace_slug") {
                Ok(parsed) => Some(parsed),
                Err(errors) => {
                    complaints.add_all(errors);
                    None
                }
            }
        }
        (false, None) => {
            complaints.add(FieldError::new(
                "workspace_name",
                FieldCode::Required,
                "name the first workspace",
            ));
            None
        }
    };
    complaints.finish().map_err(Refusal::Invalid)?;
    match (email, name, password) {
        (Some(email), Some(name), Some(password)) => Ok((Owner { email, name, password }, workspace)),
        _ => Err(Refusal::Internal("a field without a complaint is missing".to_owned())),
    }
}
