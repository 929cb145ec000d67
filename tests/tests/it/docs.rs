//! `/api/docs/`: the reference page and the document behind it.

use std::collections::BTreeSet;

use keyward_tests::{Answer, Value, shared};

/// Hosts that a text may name without anybody's browser asking them: namespaces, schemas and examples.
const NAMED_ONLY: [&str; 9] = [
    "hooks.example",
    "www.w3.org",
    "json-schema.org",
    "spec.openapis.org",
    "www.rfc-editor.org",
    "datatracker.ietf.org",
    "www.apache.org",
    "localhost",
    "127.0.0.1",
];

/// Hosts that Swagger UI's bundles name in messages, licences and a table of providers. None is asked: the page's
/// policy forbids it, and the one that would be, the validator, is switched off.
const NAMED_IN_BUNDLES: [&str; 15] = [
    "base",
    "fb.me",
    "github.com",
    "instagram.com",
    "reactjs.org",
    "redux.js.org",
    "soundcloud.com",
    "spdx.org",
    "swagger.io",
    "twitter.com",
    "validator.swagger.io",
    "vladimirgorej.com",
    "www.facebook.com",
    "www.tiktok.com",
    "example.com",
];

fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    html.split(&format!(" {name}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// The page and everything that it loads, by address.
fn page_and_assets() -> Vec<(String, Answer)> {
    let keyward = shared("default");
    let page = keyward.anonymous().get("/api/docs/").expect(200);
    let mut addresses: BTreeSet<String> = BTreeSet::new();
    for name in ["src", "href", "spec-url", "data-url", "data-spec"] {
        for address in attributes(&page.text, name) {
            assert!(
                !address.starts_with("//") && !address.contains("://"),
                "{name}={address} is on another host"
            );
            if !address.starts_with('#') && !address.starts_with("data:") {
                addresses.insert(address.to_owned());
            }
        }
    }
    let mut all = vec![("/api/docs/".to_owned(), page)];
    for address in addresses {
        let path = if address.starts_with('/') {
            address
        } else {
            format!("/api/docs/{}", address.trim_start_matches("./"))
        };
        let asset = keyward.anonymous().get(&path).expect(200);
        all.push((path, asset));
    }
    all
}

#[test]
fn the_page_has_a_policy_that_lets_nothing_in_from_elsewhere() {
    let page = shared("default").anonymous().get("/api/docs/").expect(200);
    let policy = page.header("content-security-policy").expect("a Content-Security-Policy");
    let directives: Vec<&str> = policy.split(';').map(str::trim).collect();
    let default =
        directives.iter().find(|directive| directive.starts_with("default-src")).expect("a default");
    assert!(["default-src 'none'", "default-src 'self'"].contains(default), "{policy}");
    for directive in &directives {
        assert!(!directive.contains('*') && !directive.contains("http"), "{directive}");
        if directive.starts_with("script-src") || directive.starts_with("default-src") {
            assert!(
                !directive.contains("unsafe-inline") && !directive.contains("unsafe-eval"),
                "{directive}"
            );
        }
    }
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert!(!page.text.contains(" onclick=") && !page.text.contains(" onload="), "inline handlers never run");
}

#[test]
fn the_page_and_its_assets_name_no_other_host() {
    let all = page_and_assets();
    assert!(all.len() > 1, "the page loads nothing, not even a style");
    for (path, answer) in all {
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        for scheme in ["https://", "http://", "wss://"] {
            for rest in answer.text.split(scheme).skip(1) {
                let host: String = rest
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
                    .collect();
                let vendored = path.ends_with("-bundle.js") || path.ends_with("-preset.js");
                let named_only = NAMED_ONLY.contains(&host.as_str())
                    || (vendored && NAMED_IN_BUNDLES.contains(&host.as_str()));
                assert!(host.is_empty() || named_only, "{path} names {scheme}{host}");
            }
        }
    }
}

#[test]
fn the_page_asks_no_validator() {
    let all = page_and_assets();
    let start = all.iter().find(|(path, _)| path.ends_with("initializer.js")).expect("what starts the page");
    let start: String = start.1.text.split_whitespace().collect();
    assert!(
        start.contains("\"validatorUrl\":\"none\"") || start.contains("\"validatorUrl\":null"),
        "{start}"
    );
}

#[test]
fn the_page_without_its_slash_leads_to_it() {
    let answer = shared("default").anonymous().get("/api/docs");
    assert!(matches!(answer.status, 301 | 307 | 308), "{answer}");
    assert!(answer.header("location").is_some_and(|to| to.ends_with("/api/docs/")), "{answer}");
}

#[test]
fn the_document_is_openapi_3_1_whose_references_resolve() {
    let answer = shared("default").anonymous().get("/api/docs/openapi.json").expect(200);
    assert!(answer.header("content-type").is_some_and(|of| of.starts_with("application/json")), "{answer}");
    let document = &answer.body;
    assert!(
        document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")),
        "{}",
        document["openapi"]
    );
    let mut references = Vec::new();
    collect_references(document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} is elsewhere"));
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn every_operation_has_an_id_of_its_own_and_documents_its_answers() {
    let document = shared("default").anonymous().get("/api/docs/openapi.json").expect(200).body;
    let mut ids = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            if method == "parameters" {
                continue;
            }
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no id"));
            assert!(ids.insert(id.to_owned()), "{id} twice");
            let answers = operation["responses"].as_object().expect("responses");
            assert!(answers.keys().any(|status| status.starts_with('2')), "{method} {path}: no success");
            assert!(answers.keys().any(|status| status.starts_with('4')), "{method} {path}: no refusal");
        }
    }
    assert!(ids.len() >= 15, "{ids:?}");
}

/// Members that are left out where they have nothing to say, and one of what the payment provider sends.
const LEFT_OUT: [(&str, &str); 4] = [
    ("BulkRevoked", "dry_run"),
    ("CreatedInvitation", "secret_already_shown"),
    ("Problem", "errors"),
    ("StripeSubscription", "items"),
];

#[test]
fn a_member_of_an_answer_that_is_never_null_is_required() {
    let document = shared("default").anonymous().get("/api/docs/openapi.json").expect(200).body;
    let mut members = 0;
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        // What clients write has no other members; there, what is not required is a choice.
        let Some(properties) = schema["properties"].as_object() else { continue };
        if schema["additionalProperties"] == false {
            continue;
        }
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (member, of) in properties {
            members += 1;
            let may_be_null = of.to_string().contains("\"null\"");
            let is_left_out = LEFT_OUT.contains(&(name, member));
            let is_required = required.iter().any(|one| one == member);
            assert!(is_required || may_be_null || is_left_out, "{name}.{member} is always there");
        }
    }
    assert!(members > 100, "{members}");
}

#[test]
fn the_committed_copy_is_what_the_binary_serves() {
    let served = shared("default").anonymous().get("/api/docs/openapi.json").expect(200).body;
    let path = keyward_tests::project_root().join("docs/openapi.json");
    let copy = std::fs::read(&path).expect("docs/openapi.json: run `cargo xtask regenerate`");
    let committed: Value = serde_json::from_slice(&copy).expect("JSON");
    assert!(committed == served, "{} is out of date: regenerate it", path.display());
}

/// Every Markdown page of the documentation.
fn pages(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let own = files.into_iter().filter(|path| path.extension().is_some_and(|of| of == "md"));
    own.chain(folders.iter().flat_map(|folder| pages(folder))).collect()
}

#[test]
fn no_page_has_people_type_a_flag_that_there_is_not() {
    let root = keyward_tests::project_root();
    let reference = std::fs::read_to_string(root.join("docs/reference/cli.md")).expect("the reference");
    let sections = reference.split("\n## `").skip(1).filter_map(|section| section.split_once('`'));
    let mut commands: Vec<(&str, &str)> = sections.collect();
    commands.sort_by_key(|(command, _)| std::cmp::Reverse(command.len()));
    let mut checked = 0;
    for page in pages(&root.join("docs")).into_iter().chain([root.join("README.md")]) {
        let text = std::fs::read_to_string(&page).expect("a page").replace("\\\n", " ");
        for (at, _) in text.match_indices("keyward ") {
            let line = text[at..].split(['\n', '`', '|', '#', '&', ';']).next().unwrap_or_default();
            let fits = |(command, _): &&(&str, &str)| {
                line.strip_prefix(command).is_some_and(|rest| rest.starts_with(' '))
            };
            let Some((command, section)) = commands.iter().find(fits) else { continue };
            for flag in line.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2) {
                let flag = flag.split('=').next().unwrap_or_default();
                let flag = flag.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
                assert!(section.contains(flag), "{}: `{command}` has no {flag}: {line}", page.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "only {checked} flags were found");
}

fn collect_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                found.push(reference.to_owned());
            }
            members.values().for_each(|member| collect_references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}
