//! The workspace that everybody asks about, and what stands in it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use std::time::Duration;

use keyward_tests::{
    Answer, Caller, Key, Keyward, Person, Value, Workspace, eventually, json, taker_url, unique,
};

use crate::surface::{Document, Operation, Place, Request, Targets};

/// What secrets start with on the stage.
const PREFIXES: [&str; 4] = ["kw_", "cbr_live_", "kwinvite_", "whsec_"];

pub(super) struct Stage<'a> {
    pub(super) keyward: &'a Keyward,
    pub(super) document: Document,
    pub(super) workspace: Workspace<'a>,
    pub(super) scope: &'static str,
    pub(super) plan: &'static str,
    /// What no answer may hold.
    secrets: RefCell<Vec<String>>,
}

impl<'a> Stage<'a> {
    pub(super) fn of(
        keyward: &'a Keyward,
        workspace: Workspace<'a>,
        scope: &'static str,
        plan: &'static str,
    ) -> Self {
        let document = Document::of(keyward);
        let stage = Self { keyward, document, workspace, scope, plan, secrets: RefCell::default() };
        stage.keep_person_secret(stage.workspace.owner());
        stage.keep_secret(keyward.operator_token());
        stage
    }

    /// From now on no answer may hold this.
    pub(super) fn keep_secret(&self, secret: &str) {
        self.secrets.borrow_mut().push(secret.to_owned());
    }

    fn keep_person_secret(&self, person: &Person) {
        let session = person.header("Cookie").and_then(|cookie| cookie.split_once('=')).expect("a session").1;
        self.keep_secret(session);
        self.keep_secret(&person.password);
    }

    pub(super) fn key(&self, body: Value) -> Key {
        let key = self.workspace.create_key(body);
        self.keep_secret(&key.secret);
        key
    }

    pub(super) fn personal_key(&self, person: &Person, body: Value) -> Key {
        let key = self.workspace.personal_key(person, body);
        self.keep_secret(&key.secret);
        key
    }

    pub(super) fn member(&self, role: &str) -> Person {
        let person = self.workspace.member(role);
        self.keep_person_secret(&person);
        person
    }

    /// Things of their own for one operation, in the state that it needs: what it does to them, no other notices.
    pub(super) fn targets(&self, operation: &Operation) -> Targets {
        let owner = self.workspace.owner();
        let body = || json!({"name": unique("target"), "scopes": [self.scope]});
        let (key, personal_key) = (self.key(body()), self.personal_key(owner, body()));
        if operation.template.ends_with("/rotate/finish") || operation.template.ends_with("/rotate/cancel") {
            let of_workspace = self.workspace.path(&format!("keys/{}", key.id));
            for one in [of_workspace, format!("/api/v1/me/keys/{}", personal_key.id)] {
                self.keep_secret(&owner.post_nothing(&format!("{one}/rotate")).expect(200).text_at("secret"));
            }
        }
        let new_id =
            |what: &str, body: Value| owner.post(&self.workspace.path(what), body).expect(201).text_at("id");
        let own_role = new_id("roles", json!({"name": unique("role"), "scopes": [self.scope]}));
        let service_account = new_id("service-accounts", json!({"name": unique("bot")}));
        let (webhook, delivery) = self.webhook(operation);
        let (vault, vault_secret) = self.vault(operation);
        let invitation = if operation.has(Place::Invitation) {
            let made = self.workspace.invite(&format!("{}@example.com", unique("invited")), "viewer");
            self.keep_secret(&made.text_at("token"));
            made.text_at("id")
        } else {
            String::new()
        };
        let session = if operation.has(Place::Session) { self.session() } else { String::new() };
        let member = if operation.has(Place::Member) { &self.member("member") } else { owner };
        Targets {
            slug: self.workspace.slug.clone(),
            key: key.id,
            personal_key: personal_key.id,
            member: member.id_in(&self.workspace.slug),
            own_role,
            service_account,
            webhook,
            delivery,
            session,
            invitation,
            vault,
            vault_secret,
            scope: self.scope.to_owned(),
            role: "viewer".to_owned(),
            plan: self.plan.to_owned(),
        }
    }

    /// A webhook, and something that it took, where the operation is about such.
    fn webhook(&self, operation: &Operation) -> (String, String) {
        if !operation.has(Place::Webhook) {
            return Default::default();
        }
        let owner = self.workspace.owner();
        let made = owner
            .post(&self.workspace.path("webhooks"), json!({"url": taker_url(), "events": ["plan.changed"]}))
            .expect(201);
        self.keep_secret(&made.text_at("secret"));
        let path = self.workspace.path(&format!("webhooks/{}", made.text_at("id")));
        if !operation.has(Place::Delivery) {
            return (made.text_at("id"), String::new());
        }
        let sent = owner.post_nothing(&format!("{path}/test")).expect(202).text_at("id");
        let look = || owner.get(&format!("{path}/deliveries/{sent}")).expect(200).text_at("status");
        eventually(Duration::from_secs(10), look, |status| status == "delivered");
        (made.text_at("id"), sent)
    }

    /// Another session of the owner's.
    fn session(&self) -> String {
        let owner = self.workspace.owner();
        self.keep_person_secret(&self.keyward.sign_in(&owner.email, &owner.password));
        owner.get("/api/v1/me/sessions").expect(200).items()[0]["id"].as_str().expect("an id").to_owned()
    }

    /// A vault, and something in it, where the operation is about such. Only an empty one can be deleted.
    fn vault(&self, operation: &Operation) -> (String, String) {
        if !operation.has(Place::Vault) {
            return Default::default();
        }
        let owner = self.workspace.owner();
        let make =
            |what: &str, body: Value| owner.post(&self.workspace.path(what), body).expect(201).text_at("id");
        let vault = make("vaults", json!({"name": unique("vault")}));
        if operation.id == "delete_vault" {
            return (vault, String::new());
        }
        let secret = unique("a secret of a vault");
        self.keep_secret(&secret);
        let kept =
            make(&format!("vaults/{vault}/secrets"), json!({"name": unique("kept"), "secret": secret}));
        (vault, kept)
    }

    /// Who is to get what was asked for, and how they ask for it.
    pub(super) fn rightful(&self, operation: &Operation, request: &Request) -> (Caller, Request) {
        let owner = self.workspace.owner();
        let body = match operation.id.as_str() {
            "sign_in" => json!({"email": owner.email, "password": owner.password}),
            "change_password" => json!({"current_password": owner.password, "new_password": owner.password}),
            "accept_invitation" => {
                let token = self.workspace.invite("grace@example.com", "viewer").text_at("token");
                json!({"token": token, "name": "Grace", "password": "a passphrase of her own"})
            }
            // What people cannot ask for is the operator's.
            _ if !operation.is_public && !operation.is_for_people => {
                return (self.keyward.operator(), request.clone());
            }
            _ => return ((**owner).clone(), request.clone()),
        };
        let caller = if operation.is_public { self.keyward.anonymous() } else { (**owner).clone() };
        (caller, Request { body: Some(body), ..request.clone() })
    }

    /// All that the owner sees: every list and resource that is found without an identifier.
    pub(super) fn view(&self) -> BTreeMap<String, Value> {
        let owner = self.workspace.owner();
        let mut view = BTreeMap::new();
        for operation in self.document.operations() {
            let is_found = operation.places.iter().all(|(_, place)| *place == Place::Workspace);
            let stays =
                !operation.tells_of_the_door() && !operation.tells_of_use() && !operation.tells_of_nodes();
            if operation.is_safe() && is_found && stays {
                let limit =
                    if operation.queries.iter().any(|name| name == "limit") { "?limit=200" } else { "" };
                let path = operation.template.replace("{slug}", &self.workspace.slug);
                let mut seen = owner.get(&format!("{path}{limit}")).expect(200).body;
                forget_use(&mut seen);
                view.insert(operation.id, seen);
            }
        }
        assert!(view.contains_key("list_workspace_keys") && view.contains_key("list_members"), "{view:?}");
        view
    }

    /// What holds for every answer to everybody.
    #[track_caller]
    pub(super) fn check(&self, answer: &Answer) {
        let code = answer.body["code"].as_str().unwrap_or_default();
        match answer.status {
            400..500 => drop(answer.clone().problem(answer.status, code)),
            status => drop(answer.clone().expect(status)),
        }
        assert!(answer.status < 500, "{answer}");
        // What an answer gives out is in its `secret` or `token`, once.
        let mut said = answer.whole();
        for own in ["secret", "token"].iter().filter_map(|name| answer.body[*name].as_str()) {
            assert!(answer.status < 300 && !answer.asked.starts_with("GET"), "{answer}");
            said = said.replace(own, "");
        }
        for secret in self.secrets.borrow().iter() {
            assert!(!said.contains(secret), "a secret is in the {} to {}", answer.status, answer.asked);
        }
        let shaped = PREFIXES.iter().any(|prefix| has_secret_shape(&said, prefix));
        assert!(!shaped, "what looks like a secret is in the {} to {}", answer.status, answer.asked);
    }
}

/// The prefix, with more behind it than a hint shows.
fn has_secret_shape(text: &str, prefix: &str) -> bool {
    text.match_indices(prefix).any(|(at, _)| {
        let body = &text[at + prefix.len()..];
        body.chars().take_while(char::is_ascii_alphanumeric).count() >= 16
    })
}

/// What changes although nobody changes it.
const FORGOTTEN: [&str; 3] = ["old_secret_last_used_at", "waiting", "last_success_at"];

/// Takes out when things were last used, since a key that is refused has been used, and what is sent meanwhile.
fn forget_use(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !name.starts_with("last_used") && !FORGOTTEN.contains(&name.as_str()));
            members.values_mut().for_each(forget_use);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_use),
        _ => {}
    }
}
