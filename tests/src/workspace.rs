use serde_json::{Value, json};

use crate::{Answer, Key, Keyward, Person, unique};

/// A workspace and the person who made it.
#[derive(Clone, Debug)]
pub struct Workspace<'a> {
    keyward: &'a Keyward,
    owner: Person,
    pub slug: String,
    pub name: String,
}

impl<'a> Workspace<'a> {
    #[track_caller]
    pub(crate) fn create(keyward: &'a Keyward, owner: &Person, slug: &str) -> Self {
        let name = format!("Workspace {slug}");
        let answer = owner.post("/api/v1/workspaces", json!({"name": name, "slug": slug})).expect(201);
        assert_eq!(answer.body["slug"], slug, "{answer}");
        Self { keyward, owner: owner.clone(), slug: slug.to_owned(), name }
    }

    /// One that exists already.
    pub fn of(keyward: &'a Keyward, owner: &Person, slug: &str, name: &str) -> Self {
        Self { keyward, owner: owner.clone(), slug: slug.to_owned(), name: name.to_owned() }
    }

    pub fn owner(&self) -> &Person {
        &self.owner
    }

    /// `/api/v1/{slug}/{rest}`
    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/{}/{rest}", self.slug)
    }

    /// Creates a workspace key as the owner.
    #[track_caller]
    pub fn create_key(&self, body: Value) -> Key {
        Key::from_creation(self.owner.post(&self.path("keys"), body))
    }

    /// A key of that scope, when its name does not matter.
    #[track_caller]
    pub fn key_with(&self, scopes: &[&str]) -> Key {
        self.create_key(json!({"name": unique("key"), "scopes": scopes}))
    }

    /// A working key of the kind that the profile has, with the first scope of its catalogue.
    #[track_caller]
    pub fn any_key(&self) -> Key {
        if self.keyward_profile() == "cybrium" {
            return self.personal_key(&self.owner, json!({"name": unique("key")}));
        }
        let scope = self.first_scope();
        self.key_with(&[&scope])
    }

    #[track_caller]
    pub fn personal_key(&self, person: &Person, body: Value) -> Key {
        Key::from_creation(person.post("/api/v1/me/keys", body))
    }

    #[track_caller]
    pub fn first_scope(&self) -> String {
        let items = self.owner.get(&self.path("scopes")).expect(200).items();
        items[0]["name"].as_str().expect("a scope's name").to_owned()
    }

    #[track_caller]
    pub fn get_key(&self, id: &str) -> Answer {
        self.owner.get(&self.path(&format!("keys/{id}"))).expect(200)
    }

    #[track_caller]
    pub fn revoke(&self, key: &Key) {
        self.owner.delete(&self.path(&format!("keys/{}", key.id))).expect(204);
    }

    /// Every workspace key, page by page.
    #[track_caller]
    pub fn keys(&self) -> Vec<Value> {
        list_all(&self.owner, &self.path("keys"))
    }

    /// Runs what must be refused, and asserts that it left the workspace's keys as they were.
    #[track_caller]
    pub fn unchanged_by<T>(&self, attempt: impl FnOnce() -> T) -> T {
        let before = self.keys_without_use();
        let result = attempt();
        assert_eq!(self.keys_without_use(), before, "what was refused has left a trace");
        result
    }

    /// The keys but for when they were last used, which an earlier step may still be on its way to change.
    fn keys_without_use(&self) -> Vec<Value> {
        let mut keys = self.keys();
        for key in keys.iter_mut().filter_map(Value::as_object_mut) {
            key.retain(|field, _| !field.starts_with("last_used"));
        }
        keys
    }

    /// Somebody new, who has accepted an invitation with that role.
    #[track_caller]
    pub fn member(&self, role: &str) -> Person {
        let name = unique("bob");
        let email = format!("{name}@example.com");
        let invitation = self.invite(&email, role);
        Person::accept(self.keyward, &invitation.text_at("token"), &email, &name, "another long passphrase")
    }

    /// Somebody who already has an account joins.
    #[track_caller]
    pub fn join(&self, person: &Person, role: &str) -> Person {
        let token = self.invite(&person.email, role).text_at("token");
        Person::accept(self.keyward, &token, &person.email, &person.name, &person.password)
    }

    #[track_caller]
    pub fn invite(&self, email: &str, role: &str) -> Answer {
        self.owner.post(&self.path("invitations"), json!({"email": email, "role": role})).expect(201)
    }

    /// Ends somebody's membership.
    #[track_caller]
    pub fn remove(&self, person: &Person) {
        let id = person.id_in(&self.slug);
        self.owner.delete(&self.path(&format!("members/{id}"))).expect(204);
    }

    #[track_caller]
    pub fn set_plan(&self, plan: &str) {
        self.keyward.operator().put(&self.path("plan"), json!({"plan": plan})).expect(200);
    }

    fn keyward_profile(&self) -> &str {
        self.keyward.profile_name()
    }
}

/// Follows `next_cursor` to the end of a list.
#[track_caller]
pub(crate) fn list_all(person: &Person, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut cursor = None::<String>;
    loop {
        let page = match &cursor {
            None => person.get(&format!("{path}?limit=200")),
            Some(cursor) => person.get(&format!("{path}?limit=200&cursor={cursor}")),
        }
        .expect(200);
        items.extend(page.items());
        cursor = page.body["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return items;
        }
    }
}
