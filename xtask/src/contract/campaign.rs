//! One run of schemathesis: its settings, written to a file, and the command.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::failure::Failure;
use crate::tree::Tree;
use crate::{run, say};

/// What every answer is held to. Whether wrong data was refused and right data taken is not among it: much that a
/// document can't say (a scope nobody may grant, a slug that is taken) is rightly refused.
const CHECKS: [&str; 5] = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
];

/// Random questions for each operation, beside those that schemathesis derives from the document (hundreds).
const EXAMPLES_MAX: u32 = 15;
/// The same questions in every run: what fails today fails again when it is looked into.
const SEED: u32 = 20_261_120;
/// How often a known value is used where it is not the only one: most questions then have an answer, and some have none.
const MOSTLY: f64 = 0.8;

pub(super) struct Campaign {
    pub(super) name: &'static str,
    pub(super) document: PathBuf,
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
    /// An operation left out, as `METHOD /path`.
    pub(super) excluded: Option<&'static str>,
    pub(super) known: Vec<Known>,
}

/// Values that mean something to this server, and where they go in schemathesis' words: `path.slug`, `body.scopes[*]`.
#[derive(Clone)]
pub(super) enum Known {
    /// This value and no other.
    Always { place: &'static str, value: String },
    /// One of these [`MOSTLY`], else whatever the document allows or forbids.
    Mostly { name: &'static str, place: &'static str, values: Vec<String> },
}

impl Campaign {
    pub(super) fn run(&self, tree: &Tree, folder: &Path) -> Result<(), Failure> {
        say::line(format!("\n--- {}", self.name));
        let settings = folder.join("schemathesis.toml");
        fs::write(&settings, self.settings()).map_err(Failure::file(&settings))?;
        let mut command = tree.tool("schemathesis");
        command.arg("--config-file").arg(&settings).arg("run").arg(&self.document).args(["--url", &self.url]);
        command.args(["--phases", "examples,coverage,fuzzing", "--checks", &CHECKS.join(",")]);
        command.args(["--continue-on-failure", "--request-timeout", "20", "--no-color"]);
        run::run(command.current_dir(folder))
    }

    /// As TOML, whose strings and lists are written as JSON's are. The credentials stand here and not on the command
    /// line, where the list of processes would show them.
    fn settings(&self) -> String {
        let mut text = format!(
            "seed = {SEED}\n\
             [cache]\nenabled = false\n\
             [generation]\ndeterministic = true\ndatabase = \"none\"\nmax-examples = {EXAMPLES_MAX}\n"
        );
        // Ids found in answers are not asked about: the key that asks would be found there too, and revoked.
        for phase in ["coverage", "fuzzing"] {
            let _ = writeln!(text, "[phases.{phase}]\nextra-data-sources = {{ responses = false }}");
        }
        text.push_str("[headers]\n");
        for (name, value) in &self.headers {
            let _ = writeln!(text, "{} = {}", json!(name), json!(value));
        }
        for known in &self.known {
            if let Known::Mostly { name, values, .. } = known {
                let _ = writeln!(text, "[dictionaries.{name}]\nvalues = {}", json!(values));
            }
        }
        text.push_str("[parameters]\n");
        for known in &self.known {
            let _ = match known {
                Known::Always { place, value } => writeln!(text, "{} = {}", json!(place), json!(value)),
                Known::Mostly { name, place, .. } => {
                    writeln!(
                        text,
                        "{} = {{ dictionary = {}, probability = {MOSTLY} }}",
                        json!(place),
                        json!(name)
                    )
                }
            };
        }
        if let Some(operation) = self.excluded {
            let _ = writeln!(text, "[[operations]]\ninclude-name = {}\nenabled = false", json!(operation));
        }
        text
    }
}
