//! `cargo xtask demo`: the story that Keyward is for, told with the real programs. Each step is shown as the line one
//! would type and the answer it got, and the demo fails where an answer is not the one that the story needs.

use std::process::{Child, Stdio};

use serde_json::json;

use crate::curl::{self, Answer, Ask};
use crate::failure::Failure;
use crate::server::{self, OWNER_EMAIL, OWNER_PASSWORD, SLUG, Server};
use crate::tree::Tree;
use crate::{programs, run, say};

const PROFILE: &str = "cveium";

pub(crate) fn demo(tree: &Tree) -> Result<(), Failure> {
    programs::build(tree)?;
    let keyward = Server::start(tree, PROFILE)?;
    let product = Product::start(tree, &keyward.data)?;
    say::line(format!("\nKeyward answers at {}, its data plane at {}.", keyward.control, keyward.data));
    say::line(format!("The product's own API answers at {}.", product.url));
    story(&keyward, &product)?;
    drop(product);
    keyward.stop()?;
    say::line("\nThe story holds.");
    Ok(())
}

fn story(keyward: &Server, product: &Product) -> Result<(), Failure> {
    let api = format!("{}/api/v1", keyward.control);
    let sign_in = Ask::new("POST", format!("{api}/session"))
        .json(&json!({"email": OWNER_EMAIL, "password": OWNER_PASSWORD}));
    let cookie = step("The owner signs in.", &sign_in, 200)?
        .cookie()
        .ok_or_else(|| Failure::said("signing in set no cookie"))?;

    let create = Ask::new("POST", format!("{api}/{SLUG}/keys"))
        .session(&cookie)
        .json(&json!({"name": "ci-pipeline-prod", "scopes": ["products:read"]}));
    let key = step("The owner creates a key for the CI job. The secret is shown this once.", &create, 201)?
        .json()?;
    let (id, secret) = (curl::text(&key, "/id")?, curl::text(&key, "/secret")?);

    let products = format!("{}/api/products", product.url);
    let read = Ask::new("GET", &products).bearer(&secret);
    step("The CI job reads the product's list with it.", &read, 200)?;

    let write = Ask::new("POST", &products).bearer(&secret).json(&json!({"name": "toaster"}));
    step("It may not write: the key lacks that scope.", &write, 403)?;

    let revoke = Ask::new("DELETE", format!("{api}/{SLUG}/keys/{id}")).session(&cookie);
    step("The owner revokes the key.", &revoke, 204)?;

    step("The very next call is refused.", &read, 401)?;
    Ok(())
}

fn step(words: &str, ask: &Ask, status: u16) -> Result<Answer, Failure> {
    say::line(format!("\n# {words}\n$ {}", ask.shown()));
    let answer = ask.expect(status)?;
    say::line(format!("{} {}", answer.status, answer.body));
    Ok(answer)
}

/// The example product: a small API that asks Keyward before it answers.
struct Product {
    child: Child,
    url: String,
}

impl Product {
    fn start(tree: &Tree, data_plane: &str) -> Result<Self, Failure> {
        let address = server::free_address()?;
        let mut command = server::undisturbed(&tree.built("debug/keyward-example-product"));
        command
            .args(["--listen", &address, "--keyward", data_plane])
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let child =
            command.spawn().map_err(|source| Failure::Start { command: run::shown(&command), source })?;
        let mut product = Self { child, url: format!("http://{address}") };
        let ready = format!("{}/readyz", product.url);
        server::wait_until_answered(&ready, || matches!(product.child.try_wait(), Ok(Some(_))))?;
        Ok(product)
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
