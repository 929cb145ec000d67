//! Nothing like a secret comes into the log: not the key of the request either, whatever its form.

use std::fmt::Write as _;

use keyward_tests::{Keyward, Workspace, json, sha256, unique};

use super::{gateway, until_logged};

/// Every byte that is no letter or digit, percent-encoded.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a text");
        }
        out
    })
}

fn import(workspace: &Workspace<'_>, secret: &str) -> String {
    let key = json!({"sha256": sha256(secret).1, "name": unique("imported"), "scopes": ["products:read"]});
    let answer = workspace.owner().post(&workspace.path("keys/import"), json!({"keys": [key]})).expect(201);
    answer.body["keys"][0]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn cys_5_the_key_of_a_request_is_withheld_from_the_log_also_where_it_was_imported() {
    let keyward = Keyward::profile("cveium").start();
    let workspace = keyward.first_workspace();
    let foreign = format!("sk-live/{}+2=", unique("4eC39HqLyjWDarjtT1zdp7dc"));
    let own = workspace.key_with(&["products:read"]);
    for (id, secret) in [(import(&workspace, &foreign), foreign), (own.id, own.secret)] {
        let forms = [secret.clone(), encoded(&secret), encoded(&encoded(&secret))];
        for form in &forms {
            let path = format!("/api/products/{form}");
            keyward.verify(json!({"key": secret, "scopes": [form], "path": path}));
            let by_gateway =
                gateway(&keyward, &secret, "GET", &path).with("User-Agent", &format!("me ({form})"));
            let status = by_gateway.get("/v1/authorize").status;
            assert!([200, 403].contains(&status), "{status}");
            let caller = keyward.with_key(&secret).with("User-Agent", &format!("me ({form})"));
            caller.get(&workspace.path(&format!("keys/{}", form.replace('/', "%2F")))).expect(403);
        }
        let items = until_logged(&workspace, &id, 3 * forms.len());
        let mut withheld = 0;
        for item in &items {
            let text = item.to_string();
            assert!(!text.contains(&secret), "the key stands in its log");
            assert!(!text.contains(&encoded(&secret)), "the key stands in its log, encoded");
            let of = ["scope", "path", "user_agent"];
            withheld += of.iter().filter(|member| item[**member] == "(withheld)").count();
        }
        // Of a question: scope and path; by a gateway and here: path and program.
        assert_eq!(withheld, forms.len() * 6, "{items:#?}");
    }
    assert_eq!(keyward.logs().matches("panicked").count(), 0);
}

#[test]
fn a_program_that_calls_itself_by_control_characters_writes_none_into_the_log() {
    let keyward = Keyward::profile("cveium").start();
    let workspace = keyward.first_workspace();
    let key = workspace.key_with(&["products:read"]);
    let long = "ab/1 ".repeat(120);
    keyward.verify(json!({"key": key.secret, "path": "/a\u{1b}[31mred\0\u{202e}", "method": "GET"}));
    keyward
        .data()
        .bearer(&key.secret)
        .with("User-Agent", &long)
        .get("/v1/authorize?scope=products:read")
        .expect(200);
    let items = until_logged(&workspace, &key.id, 2);
    assert_eq!(items[1]["path"], "/a?[31mred??");
    assert_eq!(items[0]["user_agent"].as_str().map(str::len), Some(256));
}
