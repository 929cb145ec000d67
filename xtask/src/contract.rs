//! `cargo xtask contract`: the running server held to its own `OpenAPI` documents by programs that were written
//! elsewhere. openapi-spec-validator says whether the documents are what they claim to be; schemathesis asks the server
//! thousands of questions, right and wrong, and says whether every answer is one that the documents describe.

mod campaign;

use std::fs;
use std::path::{Path, PathBuf};

use self::campaign::{Campaign, Known};
use crate::curl::Ask;
use crate::failure::Failure;
use crate::server::{self, SLUG, Server};
use crate::tree::Tree;
use crate::{programs, run, say};

/// One whose scopes and kinds of key are a real product's, and the one that people start with.
const PROFILES: [&str; 2] = ["cveium", "default"];

pub(crate) fn contract(tree: &Tree) -> Result<(), Failure> {
    programs::build(tree)?;
    PROFILES.iter().try_for_each(|profile| with_profile(tree, profile))
}

fn with_profile(tree: &Tree, profile: &str) -> Result<(), Failure> {
    say::line(format!("\n--- profile {profile}"));
    let folder = tree.built("tools/contract").join(profile);
    fs::create_dir_all(&folder).map_err(Failure::file(&folder))?;
    let mut server = Server::start(tree, profile)?;
    let documents = documents(tree, &server, &folder)?;
    let ended = campaigns(&server, &documents)?.iter().try_for_each(|campaign| campaign.run(tree, &folder));
    if ended.is_err() || server.has_ended() {
        say::line(format!("the last that the server wrote:\n{}", server.log()));
        ended?;
    }
    server.stop()
}

/// The two documents of this server, valid, in files.
struct Documents {
    control: PathBuf,
    data: PathBuf,
}

fn documents(tree: &Tree, server: &Server, folder: &Path) -> Result<Documents, Failure> {
    let control_text = Ask::new("GET", format!("{}/api/docs/openapi.json", server.control)).expect(200)?.body;
    let binary = tree.built("debug/keyward");
    let printed = run::output(server::undisturbed(&binary).args(["openapi", "--data-plane"]))?;
    let documents =
        Documents { control: folder.join("openapi.json"), data: folder.join("openapi-data-plane.json") };
    fs::write(&documents.control, control_text).map_err(Failure::file(&documents.control))?;
    fs::write(&documents.data, printed).map_err(Failure::file(&documents.data))?;
    let mut validator = tree.tool("openapi-spec-validator");
    run::run(
        validator
            .args(["--schema", "3.1", "--validation-errors", "all"])
            .args([&documents.control, &documents.data]),
    )?;
    Ok(documents)
}

/// What is asked, and as whom. A run with nothing but wrong names would only ever see 404, and one with nothing but
/// right ones never would: so all but the stranger know a few real values.
fn campaigns(server: &Server, documents: &Documents) -> Result<Vec<Campaign>, Failure> {
    let cookie = server.sign_in()?;
    let scopes = server.all_scopes(&cookie)?;
    // The one that asks, and one that may be read, changed and revoked by the questions.
    let (_, secret) = server.create_key(&cookie, "asks", &scopes)?;
    let (prey_id, prey_secret) = server.create_key(&cookie, "is asked about", &scopes)?;
    let slug = Known::Always { place: "path.slug", value: SLUG.to_owned() };
    let scope = Known::Mostly { name: "scope", place: "body.scopes[*]", values: scopes };
    let bearer = vec![("Authorization", format!("Bearer {secret}"))];
    let control = |name, headers, known| Campaign {
        name,
        document: documents.control.clone(),
        url: server.control.clone(),
        headers,
        known,
        excluded: None,
    };
    let prey_mostly = Known::Mostly { name: "key", place: "path.id", values: vec![prey_id.clone()] };
    let person = Campaign {
        // Signing out would leave all that follows to a stranger; the black-box tests hold this operation.
        excluded: Some("DELETE /api/v1/session"),
        ..control(
            "as a person with a session",
            vec![("Cookie", cookie), ("Sec-Fetch-Site", "same-origin".to_owned())],
            vec![slug.clone(), prey_mostly, scope.clone()],
        )
    };
    let prey_always = Known::Always { place: "path.id", value: prey_id };
    let key = control("as a key", bearer.clone(), vec![slug, prey_always, scope.clone()]);
    let stranger = control("as a stranger", Vec::new(), Vec::new());
    let workspace = Known::Mostly { name: "slug", place: "body.workspace", values: vec![SLUG.to_owned()] };
    let secrets = Known::Mostly { name: "secret", place: "body.key", values: vec![secret, prey_secret] };
    let gateway = Campaign {
        document: documents.data.clone(),
        url: server.data.clone(),
        ..control("as a gateway, of the data plane", bearer, vec![workspace, secrets, scope])
    };
    Ok(vec![person, key, stranger, gateway])
}
