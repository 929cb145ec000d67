use std::ops::Deref;

use serde_json::json;

use crate::{Answer, Caller, Keyward};

const COOKIE: &str = "__Host-keyward_session";

/// Somebody who is signed in, as a browser on the console's own pages would be.
#[derive(Clone, Debug)]
pub struct Person {
    pub name: String,
    pub email: String,
    pub password: String,
    session: Caller,
}

impl Person {
    #[track_caller]
    pub(crate) fn sign_in(keyward: &Keyward, email: &str, password: &str) -> Self {
        let answer = keyward
            .anonymous()
            .post("/api/v1/session", json!({"email": email, "password": password}))
            .expect(200);
        Self::from_answer(keyward, email, email, password, &answer)
    }

    /// Takes an invitation's token; somebody who already has an account gives their own name and password.
    #[track_caller]
    pub(crate) fn accept(keyward: &Keyward, token: &str, email: &str, name: &str, password: &str) -> Self {
        let answer = keyward
            .anonymous()
            .post("/api/v1/invitations/accept", json!({"token": token, "name": name, "password": password}))
            .expect(201);
        Self::from_answer(keyward, email, name, password, &answer)
    }

    #[track_caller]
    fn from_answer(keyward: &Keyward, email: &str, name: &str, password: &str, answer: &Answer) -> Self {
        let cookie = answer
            .all_headers("set-cookie")
            .find(|cookie| cookie.starts_with(&format!("{COOKIE}=")))
            .unwrap_or_else(|| panic!("no session: {answer}"));
        let cookie = cookie.split(';').next().unwrap_or_default();
        let session = keyward.anonymous().with("Cookie", cookie).with("Sec-Fetch-Site", "same-origin");
        Self { name: name.to_owned(), email: email.to_owned(), password: password.to_owned(), session }
    }

    /// The session without the header by which a browser proves that the request is of our own origin.
    pub fn without_proof_of_origin(&self) -> Caller {
        self.session.without("Sec-Fetch-Site")
    }

    /// The id, learnt in a workspace that this person belongs to.
    #[track_caller]
    pub fn id_in(&self, slug: &str) -> String {
        let whoami = self.get(&format!("/api/v1/{slug}/whoami")).expect(200);
        whoami.body["actor"]["id"].as_str().expect("an actor's id").to_owned()
    }
}

impl Deref for Person {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.session
    }
}
