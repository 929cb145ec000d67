use insta::assert_snapshot;
use keyward_tests::{json, shared};

use crate::answers::answer_each;
use crate::exit_codes::NO_SUCH_KEY;
use crate::masked::masked;
use crate::person::Shell;

#[test]
fn what_changed_is_said_and_the_rest_stays() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.create_key(json!({
        "name": "ci", "scopes": ["products:read", "vex:read"], "metadata": {"team": "blue", "tier": "1"}
    }));
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let edit = |arguments: &[&str]| shell.run(&[&["keys", "edit", &key.id], arguments].concat());
    let slug = [(workspace.slug.as_str(), "SLUG")];

    let renamed = edit(&["--name", "ci-prod", "--description", "the pipeline", "--metadata", "team=red"]);
    assert_snapshot!(masked(&renamed, &slug), @r#"
    stderr:
    Changed ci-prod (key_ID) in workspace SLUG:
      name  ci → ci-prod
      description  none → the pipeline
      metadata  - team=blue
      + team=red
    exit: 0
    "#);
    let moved = edit(&[
        "--add-scope",
        "vex:write",
        "--remove-scope",
        "vex:read,audit:read",
        "--allow-cidr",
        "10.0.0.0/8",
    ]);
    assert_snapshot!(masked(&moved, &slug), @r#"
    stderr:
    It did not have the scope audit:read.
    Changed ci-prod (key_ID) in workspace SLUG:
      scopes  - vex:read
      + vex:write
      networks  + 10.0.0.0/8
    exit: 0
    "#);
    let narrowed =
        edit(&["--rule", "sboms:*=sbom:a,sbom:b", "--remove-metadata", "tier", "--allow-from-anywhere"]);
    assert_snapshot!(masked(&narrowed, &slug), @r#"
    stderr:
    Changed ci-prod (key_ID) in workspace SLUG:
      rules  + sboms:* on sbom:a, sbom:b
      networks  - 10.0.0.0/8
      it may be used from anywhere now
      metadata  - tier=1
    exit: 0
    "#);
    let now = workspace.get_key(&key.id).body;
    assert_eq!(now["scopes"], json!(["products:read", "vex:write"]));
    assert_eq!(now["rules"], json!([{"action": "sboms:*", "resources": ["sbom:a", "sbom:b"]}]));
    assert_eq!(now["metadata"], json!({"team": "red"}));
    assert_eq!((&now["name"], &now["description"]), (&json!("ci-prod"), &json!("the pipeline")));

    let again = edit(&["--name", "ci-prod", "--add-scope", "vex:write"]);
    assert_snapshot!(masked(&again, &slug), @r#"
    stderr:
    ci-prod (key_ID) in workspace SLUG is so already; nothing was changed.
    exit: 0
    "#);
    let json = edit(&["--no-rules", "--no-description", "--json"]).expect(0).json();
    assert_eq!(json, workspace.get_key(&key.id).body, "--json is the server's own answer");
    assert_eq!((&json["rules"], &json["description"]), (&json!([]), &json!(null)));
}

#[test]
fn the_owner_is_named_by_address_or_id() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let grace = workspace.member("admin");
    let grace_id = grace.id_in(&workspace.slug);
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let edit = |owner: &str| shell.run(&["keys", "edit", &key.id, "--owner", owner]);
    let owner = || workspace.get_key(&key.id).body["owner"]["id"].clone();
    edit(&grace.email.to_uppercase()).expect(0).saying(&grace_id);
    assert_eq!(owner(), grace_id);
    edit(&workspace.owner().id_in(&workspace.slug)).expect(0);
    assert_ne!(owner(), grace_id);
    edit("nobody@example.com").expect(5).without_data().saying("has no member nobody@example.com");
    edit("usr_01jd8xq2m0e6vt5r3n7k9c4wzb").expect(1).without_data().saying("owner: ");
}

#[test]
fn a_personal_key_is_edited_by_its_person() {
    let keyward = shared("cysmiq");
    let workspace = keyward.workspace();
    let person = workspace.member("member");
    let key = workspace.personal_key(&person, json!({"name": "laptop", "scopes": ["vulnerabilities:read"]}));
    let shell = Shell::signed_in(keyward, &person);
    let edit = ["keys", "edit", &key.id, "--personal", "--name", "desktop", "--json"];
    let edited = shell.run(&edit).expect(0).saying("your personal keys:").json();
    assert_eq!(edited["name"], "desktop");
    shell.run(&["keys", "edit", &key.id, "--personal", "--owner", &person.email]).expect(2);
}

#[test]
fn what_cannot_be_edited_is_said_to_be_so() {
    let keyward = shared("cveium");
    let workspace = keyward.workspace();
    let (key, gone) = (workspace.key_with(&["products:read"]), workspace.key_with(&["products:read"]));
    workspace.revoke(&gone);
    let shell = Shell::signed_in(keyward, workspace.owner()).with("KEYWARD_WORKSPACE", &workspace.slug);
    let edit = |arguments: &[&str]| shell.run(&[&["keys", "edit"], arguments].concat());
    workspace.unchanged_by(|| {
        edit(&[&key.id]).expect(2).without_data().saying("say what to change");
        edit(&[&key.id, "--metadata", "a=1", "--metadata", "a=2"]).expect(2).without_data();
        edit(&[&key.id, "--add-scope", "no:such"])
            .expect(1)
            .without_data()
            .saying("Run: keyward keys scopes");
        edit(&[&key.id, "--remove-scope", "products:read"]).expect(1).without_data();
        edit(&[&key.id, "--allow-cidr", "here"]).expect(1).without_data().saying("allowed_cidrs[0]");
        edit(&[NO_SUCH_KEY, "--name", "x"]).expect(5).without_data();
        edit(&[&gone.id, "--name", "x"]).expect(6).without_data().saying("revoked");
    });
    let member = Shell::signed_in(keyward, &workspace.member("member"));
    let edit = ["keys", "edit", &key.id, "--name", "x", "-w", &workspace.slug];
    workspace.unchanged_by(|| member.run(&edit).expect(4).without_data().saying("Request id:"));
}

fn answer(status: &str, etag: &str, body: &keyward_tests::Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\nETag: \"{etag}\"\r\n\r\n{body}"
    )
    .into_bytes()
}

fn fake_key(scopes: &[&str]) -> keyward_tests::Value {
    json!({
        "id": NO_SUCH_KEY, "kind": "workspace", "name": "ci", "description": null, "status": "active",
        "secret_hint": "cvk_…9f3a", "scopes": scopes, "rules": [], "workspaces": null, "owner": null,
        "service_account": null, "created_at": "2026-01-01T00:00:00Z",
        "created_by": {"type": "user", "id": "usr_1", "name": "Ada"}, "expires_at": null, "last_used_at": null,
        "last_used_ip": null, "rotation": null, "revoked_at": null, "revoked_by": null, "allowed_cidrs": [],
        "metadata": {}
    })
}

fn too_late() -> Vec<u8> {
    let problem = json!({
        "type": "urn:keyward:problem:precondition_failed", "title": "t", "status": 412,
        "detail": "it was changed since you read it; read it again", "code": "precondition_failed",
        "request_id": "req_1"
    });
    answer("412 Precondition Failed", "2", &problem)
}

const ADD: [&str; 7] = ["keys", "edit", NO_SUCH_KEY, "-w", "acme", "--add-scope", "vex:read"];

#[test]
fn what_somebody_else_changed_meanwhile_is_read_again_and_kept() {
    let (address, asked) = answer_each(vec![
        answer("200 OK", "1", &fake_key(&["products:read"])),
        too_late(),
        answer("200 OK", "2", &fake_key(&["sboms:read"])),
        answer("200 OK", "3", &fake_key(&["sboms:read", "vex:read"])),
    ]);
    let shell = Shell::at_addresses(&address, "").with("KEYWARD_API_KEY", "cvk_planted");
    shell.run(&ADD).expect(0).saying("+ vex:read");
    let asked = asked.join().expect("the server's end");
    assert!(
        asked[1].starts_with("PATCH ") && asked[1].to_lowercase().contains("if-match: \"1\""),
        "{asked:#?}"
    );
    assert!(asked[3].to_lowercase().contains("if-match: \"2\""), "{asked:#?}");
    assert!(asked[3].ends_with(r#"{"scopes":["sboms:read","vex:read"]}"#), "{asked:#?}");
}

#[test]
fn who_is_always_faster_is_said_to_be_there() {
    let key = || answer("200 OK", "1", &fake_key(&["products:read"]));
    let (address, asked) = answer_each(vec![key(), too_late(), key(), too_late()]);
    let shell = Shell::at_addresses(&address, "").with("KEYWARD_API_KEY", "cvk_planted");
    shell
        .run(&ADD)
        .expect(6)
        .without_data()
        .saying("Somebody else is changing the key")
        .saying("Request id: req_1");
    assert_eq!(asked.join().expect("the server's end").len(), 4);
}
