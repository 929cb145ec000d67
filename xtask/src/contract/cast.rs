//! Who and what there is to ask as and about: made through the API itself, before the questions begin.

use serde_json::{Value, json};

use crate::curl::{self, Ask};
use crate::failure::Failure;
use crate::server::{SLUG, Server};

pub(super) const PASSWORD: &str = "seven loud herons wade";

/// What is done to a key, as method and what follows its path, and whether a rotation must be open for it.
const KEY_OPERATIONS: [(&str, &str, bool); 10] = [
    ("GET", "", false),
    ("GET", "/notices", false),
    ("GET", "/usage", false),
    ("GET", "/usage/summary", false),
    ("PATCH", "", false),
    ("DELETE", "", false),
    ("POST", "/revoke", false),
    ("POST", "/rotate", false),
    ("POST", "/rotate/finish", true),
    ("POST", "/rotate/cancel", true),
];

pub(super) struct Cast {
    /// The owner's session.
    pub(super) cookie: String,
    pub(super) scopes: Vec<String>,
    /// The secret of the key that asks.
    pub(super) secret: String,
    /// A key that is asked about: id and secret.
    pub(super) asked_about: (String, String),
    /// For each operation on a key, as `METHOD /path`, the id of one that it can be done to. Each its own: what one
    /// operation revokes, the next could not rotate.
    pub(super) keys: Vec<(String, String)>,
    /// The same for roles and service accounts.
    pub(super) others: Vec<(String, String)>,
    /// For each operation on a webhook, its id and that of something that it took.
    pub(super) webhooks: Vec<(String, String, String)>,
    /// For each operation on a vault, its id and that of a secret in it.
    pub(super) vaults: Vec<(String, String, String)>,
    /// A service account that keys may act as.
    pub(super) service_account: String,
    /// Members by id: one to be changed and one to be removed.
    pub(super) changed_member: String,
    pub(super) removed_member: String,
    /// Somebody who looks after their own account: their session, and another of theirs by its id.
    pub(super) somebody: (String, String),
    /// An invitation to be withdrawn.
    pub(super) withdrawn: String,
    /// What accepts an invitation that is still open.
    pub(super) invitation: String,
}

pub(super) fn assemble(server: &Server, has_personal_keys: bool) -> Result<Cast, Failure> {
    let cookie = server.sign_in()?;
    let scopes = server.all_scopes(&cookie)?;
    let api = format!("{}/api/v1", server.control);
    let workspace_keys = format!("{api}/{SLUG}/keys");
    let (_, secret) = create_key(&workspace_keys, &cookie, "asks", &scopes)?;
    let asked_about = create_key(&workspace_keys, &cookie, "is asked about", &scopes)?;
    let mut keys = prepare_keys(&workspace_keys, "/api/v1/{slug}/keys/{id}", &cookie, &scopes)?;
    if has_personal_keys {
        keys.extend(prepare_keys(&format!("{api}/me/keys"), "/api/v1/me/keys/{id}", &cookie, &scopes)?);
    }
    let mut others = prepare_others(server, "roles", &cookie, &json!({"scopes": scopes}))?;
    others.extend(prepare_others(server, "service-accounts", &cookie, &json!({}))?);
    let service_account = prepare_one(server, "service-accounts", &cookie, "acts", &json!({}))?;
    let webhooks = super::webhooks::prepare(server, &cookie)?;
    let vaults = super::vaults::prepare(server, &cookie)?;
    Ok(Cast {
        others,
        vaults,
        webhooks,
        service_account,
        changed_member: join(server, &cookie, "changed@example.com")?,
        removed_member: join(server, &cookie, "removed@example.com")?,
        somebody: somebody(server, &cookie)?,
        withdrawn: curl::text(&invited(server, &cookie, "withdrawn@example.com")?, "/id")?,
        invitation: curl::text(&invited(server, &cookie, "invited@example.com")?, "/token")?,
        cookie,
        scopes,
        secret,
        asked_about,
        keys,
    })
}

/// One key for each operation, as [`Cast::keys`] wants them.
fn prepare_keys(
    url: &str,
    template: &str,
    cookie: &str,
    scopes: &[String],
) -> Result<Vec<(String, String)>, Failure> {
    let one = |(method, rest, is_rotating): (&str, &str, bool)| {
        let operation = format!("{method} {template}{rest}");
        let (id, _) = create_key(url, cookie, &operation.replace(['{', '}'], ""), scopes)?;
        if is_rotating {
            Ask::new("POST", format!("{url}/{id}/rotate")).session(cookie).json(&json!({})).expect(200)?;
        }
        Ok((operation, id))
    };
    KEY_OPERATIONS.into_iter().map(one).collect()
}

/// One of these for each operation on them, as [`Cast::others`] wants them.
fn prepare_others(
    server: &Server,
    what: &str,
    cookie: &str,
    body: &Value,
) -> Result<Vec<(String, String)>, Failure> {
    let one = |method: &str| {
        let id = prepare_one(server, what, cookie, method, body)?;
        Ok((format!("{method} /api/v1/{{slug}}/{what}/{{id}}"), id))
    };
    ["GET", "PATCH", "DELETE"].into_iter().map(one).collect()
}

fn prepare_one(
    server: &Server,
    what: &str,
    cookie: &str,
    name: &str,
    body: &Value,
) -> Result<String, Failure> {
    let mut body = body.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.insert("name".to_owned(), name.into());
    }
    let url = format!("{}/api/v1/{SLUG}/{what}", server.control);
    let made = Ask::new("POST", url).session(cookie).json(&body).expect(201)?.json()?;
    curl::text(&made, "/id")
}

/// Creates a key at this address and returns its id and its secret.
fn create_key(url: &str, cookie: &str, name: &str, scopes: &[String]) -> Result<(String, String), Failure> {
    let ask = Ask::new("POST", url).session(cookie).json(&json!({"name": name, "scopes": scopes}));
    let key = ask.expect(201)?.json()?;
    Ok((curl::text(&key, "/id")?, curl::text(&key, "/secret")?))
}

/// As [`Cast::somebody`] wants them.
fn somebody(server: &Server, cookie: &str) -> Result<(String, String), Failure> {
    let email = "somebody@example.com";
    join(server, cookie, email)?;
    let own = server.sign_in_as(email, PASSWORD)?;
    server.sign_in_as(email, PASSWORD)?;
    let sessions = Ask::new("GET", format!("{}/api/v1/me/sessions", server.control)).session(&own);
    Ok((own, curl::text(&sessions.expect(200)?.json()?, "/items/0/id")?))
}

/// Invites somebody.
fn invited(server: &Server, cookie: &str, email: &str) -> Result<Value, Failure> {
    let ask = Ask::new("POST", format!("{}/api/v1/{SLUG}/invitations", server.control))
        .session(cookie)
        .json(&json!({"email": email, "role": "member"}));
    ask.expect(201)?.json()
}

/// Has somebody join the workspace and returns their id.
fn join(server: &Server, cookie: &str, email: &str) -> Result<String, Failure> {
    let token = curl::text(&invited(server, cookie, email)?, "/token")?;
    let accept = Ask::new("POST", format!("{}/api/v1/invitations/accept", server.control))
        .json(&json!({"token": token, "name": email, "password": PASSWORD}));
    accept.expect(201)?;
    let members = Ask::new("GET", format!("{}/api/v1/{SLUG}/members", server.control)).session(cookie);
    let members = members.expect(200)?.json()?;
    let items = members.pointer("/items").and_then(Value::as_array);
    let joined =
        items.into_iter().flatten().find(|item| curl::text(item, "/email").is_ok_and(|found| found == email));
    joined.map_or_else(
        || Err(Failure::said(format!("{email} joined but is no member"))),
        |item| curl::text(item, "/id"),
    )
}
