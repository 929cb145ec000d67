//! `cargo xtask contract`: the running server held to its own `OpenAPI` documents by programs that were written
//! elsewhere. openapi-spec-validator says whether the documents are what they claim to be; schemathesis asks the server
//! thousands of questions, right and wrong, and says whether every answer is one that the documents describe.

mod answers;
mod campaign;
mod campaigns;
mod cast;
mod vaults;
mod webhooks;

use std::fs;
use std::path::{Path, PathBuf};

use self::answers::Answers;
use crate::curl::Ask;
use crate::failure::Failure;
use crate::server::{self, Server};
use crate::tree::Tree;
use crate::{programs, run, say};

struct Profile {
    name: &'static str,
    has_personal_keys: bool,
    /// One that its routes table knows, for GET.
    product_path: &'static str,
}

/// One whose scopes and kinds of key are a real product's, and the one that people start with.
const PROFILES: [Profile; 2] = [
    Profile { name: "cveium", has_personal_keys: false, product_path: "/api/products" },
    Profile { name: "default", has_personal_keys: true, product_path: "/api/things" },
];

pub(crate) fn contract(tree: &Tree) -> Result<(), Failure> {
    programs::build(tree)?;
    let mut answers = Answers::default();
    PROFILES.iter().try_for_each(|profile| with_profile(tree, profile, &mut answers))?;
    answers.check()
}

/// Runs all campaigns, whatever each finds, so that one run shows all there is to mend.
fn with_profile(tree: &Tree, profile: &Profile, answers: &mut Answers) -> Result<(), Failure> {
    say::line(format!("\n--- profile {}", profile.name));
    let folder = tree.built("tools/contract").join(profile.name);
    fs::create_dir_all(&folder).map_err(Failure::file(&folder))?;
    let mut server = Server::start(tree, profile.name)?;
    let documents = documents(tree, &server, &folder)?;
    let cast = cast::assemble(&server, profile.has_personal_keys)?;
    let mut failed = Vec::new();
    for campaign in campaigns::all(&server, &documents, &cast, profile.product_path) {
        let (record, ended) = campaign.run(tree, &folder)?;
        match ended {
            Ok(()) => answers.read(&campaign.document, &record)?,
            Err(_) => failed.push(campaign.name),
        }
    }
    if !failed.is_empty() || server.has_ended() {
        say::line(format!("the last that the server wrote:\n{}", server.log()));
        return Err(Failure::said(format!(
            "with profile {}, asked {}",
            profile.name,
            failed.join("; asked ")
        )));
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
