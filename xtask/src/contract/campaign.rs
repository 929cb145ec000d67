//! One run of schemathesis: its settings, written to a file, and the command.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

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

/// Random questions for each operation, beside those that schemathesis derives from the document.
const EXAMPLES_MAX: u32 = 15;
/// The same questions in every run: what fails today fails again when it is looked into.
const SEED: u32 = 20_261_120;
/// How often one of several known values is used: most questions then have an answer, and some have none.
const AMONG_PROBABILITY: f64 = 0.8;

pub(super) struct Campaign {
    pub(super) name: &'static str,
    pub(super) document: PathBuf,
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) known: Vec<Known>,
    /// The operations asked about, as `METHOD /path`; empty for all.
    pub(super) only: &'static [&'static str],
    pub(super) left_out: &'static [&'static str],
}

/// Values that mean something to this server, and where they go in schemathesis' words: `path.slug`, `body.scopes[*]`.
#[derive(Clone)]
pub(super) struct Known {
    place: &'static str,
    values: Values,
    /// The one operation that this is for, as `METHOD /path`.
    operation: Option<String>,
}

#[derive(Clone)]
enum Values {
    /// This value and no other.
    Only(Value),
    /// Mostly one of these, else whatever the document allows or forbids.
    Among(Vec<String>),
}

impl Known {
    pub(super) fn only(place: &'static str, value: impl Into<Value>) -> Self {
        Self { place, values: Values::Only(value.into()), operation: None }
    }

    pub(super) fn among(place: &'static str, values: &[impl AsRef<str>]) -> Self {
        let values = values.iter().map(|value| value.as_ref().to_owned()).collect();
        Self { place, values: Values::Among(values), operation: None }
    }

    pub(super) fn of(self, operation: impl Into<String>) -> Self {
        Self { operation: Some(operation.into()), ..self }
    }
}

impl Campaign {
    /// All operations of the document, asked of that address, without credentials or knowledge.
    pub(super) fn at(document: &Path, url: &str) -> Self {
        Self {
            name: "",
            document: document.to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            known: Vec::new(),
            only: &[],
            left_out: &[],
        }
    }

    /// Returns where the record of all questions and answers is, in the HTTP archive format, and how the run ended.
    pub(super) fn run(&self, tree: &Tree, folder: &Path) -> Result<(PathBuf, Result<(), Failure>), Failure> {
        say::line(format!("\n--- {}", self.name));
        let file_stem = self.name.replace([' ', ','], "-");
        let settings = folder.join(format!("{file_stem}.toml"));
        let record = folder.join(format!("{file_stem}.har"));
        fs::write(&settings, self.settings()).map_err(Failure::file(&settings))?;
        let mut command = tree.tool("schemathesis");
        command.arg("--config-file").arg(&settings).arg("run").arg(&self.document).args(["--url", &self.url]);
        command.args(["--phases", "examples,coverage,fuzzing", "--checks", &CHECKS.join(",")]);
        // Its warnings are about a single campaign; what all of them together must have seen is checked after the last.
        command.args(["--continue-on-failure", "--request-timeout", "20", "--no-color", "--warnings", "off"]);
        command.arg("--report-har-path").arg(&record);
        for operation in self.only {
            command.args(["--include-name", operation]);
        }
        for operation in self.left_out {
            command.args(["--exclude-name", operation]);
        }
        let ended = run::run(command.current_dir(folder));
        Ok((record, ended))
    }

    /// As TOML, whose strings and lists are written as JSON's are. The credentials stand here and not on the command
    /// line, where the list of processes would show them.
    fn settings(&self) -> String {
        let mut text = format!("seed = {SEED}\n[cache]\nenabled = false\n");
        // Credentials are the campaign's alone: one made up beside them would be a second key, and every answer 401.
        let _ = writeln!(
            text,
            "[generation]\ndeterministic = true\ndatabase = \"none\"\nmax-examples = {EXAMPLES_MAX}\n\
             with-security-parameters = false"
        );
        // Ids found in answers are not asked about: the key that asks would be found there too, and revoked.
        for phase in ["examples", "coverage", "fuzzing"] {
            let _ = writeln!(text, "[phases.{phase}]\nextra-data-sources = {{ responses = false }}");
        }
        text.push_str("[headers]\n");
        for (name, value) in &self.headers {
            let _ = writeln!(text, "{} = {}", json!(name), json!(value));
        }
        for (index, known) in self.known.iter().enumerate() {
            if let Values::Among(values) = &known.values {
                let _ = writeln!(text, "[dictionaries.known-{index}]\nvalues = {}", json!(values));
            }
        }
        text.push_str("[parameters]\n");
        self.write_known(&mut text, None);
        let operations: BTreeSet<&str> =
            self.known.iter().filter_map(|known| known.operation.as_deref()).collect();
        for operation in operations {
            let _ = writeln!(
                text,
                "[[operations]]\ninclude-name = {}\n[operations.parameters]",
                json!(operation)
            );
            self.write_known(&mut text, Some(operation));
        }
        text
    }

    fn write_known(&self, text: &mut String, operation: Option<&str>) {
        for (index, known) in
            self.known.iter().enumerate().filter(|(_, known)| known.operation.as_deref() == operation)
        {
            let place = json!(known.place);
            let _ = match &known.values {
                Values::Only(value) => writeln!(text, "{place} = {value}"),
                Values::Among(_) => writeln!(
                    text,
                    "{place} = {{ dictionary = \"known-{index}\", probability = {AMONG_PROBABILITY} }}"
                ),
            };
        }
    }
}
