//! Every mistake names file, line and key, and says what would do.

use super::file::{GOOD, read};

/// The good profile with one piece replaced must be refused with these words.
#[track_caller]
fn refused(piece: &str, by: &str, expected: &str) {
    assert_eq!(GOOD.matches(piece).count(), 1, "{piece:?} is once in the good profile");
    let said = read(&GOOD.replace(piece, by)).expect_err("a mistake");
    assert!(
        said.lines().any(|line| line.contains(expected)),
        "{piece:?} → {by:?}\nsaid:     {said}\nexpected: {expected}"
    );
}

#[test]
fn a_mistake_in_words_or_keys_names_file_line_and_key() {
    for (piece, by, expected) in [
        ("name = \"Acme\"", "name = Acme", "acme.toml:2: not TOML: "),
        ("name = \"Acme\"", "name = \"A\"\nname = \"B\"", "acme.toml:3: not TOML: duplicate key"),
        ("name = \"Acme\"", "name = 7", "acme.toml:2: product.name: is of the type integer; write a text"),
        ("name = \"Acme\"", "name = \" \"", "acme.toml:2: product.name: is empty"),
        ("name = \"Acme\"", "name = \"A\\nB\"", "acme.toml:2: product.name: has a control character"),
        ("name = \"Acme\"", "", "acme.toml:1: product.name: this key is missing; add it"),
        (
            "[product]",
            "[console]\ncreate = \"popup\"\n[product]",
            "acme.toml:2: console.create: is \"popup\"; write \"steps\" or \"dialog\" or \"above_list\"",
        ),
        (
            "[product]",
            "[console]\nname_lable = \"x\"\n[product]",
            "acme.toml:2: console.name_lable: there is no such key. Did you mean \"name_label\"?",
        ),
        ("[product]", "[produkt]", "acme.toml:1: produkt: there is no such key. Did you mean \"product\"?"),
        (
            "prefix = \"acme_\"",
            "prefix = \"Acme\"",
            "acme.toml:5: keys.prefix: \"Acme\" cannot be used: a prefix has",
        ),
        (
            "prefix =",
            "prefiks =",
            "acme.toml:5: keys.prefiks: there is no such key. Did you mean \"prefix\"?",
        ),
        (
            "\"base62\"",
            "\"base64\"",
            "acme.toml:6: keys.encoding: is \"base64\"; write \"hex\" or \"base62\"",
        ),
        ("\"personal\", \"workspace\"", "\"person\"", "acme.toml:7: keys.kinds[0]: is \"person\"; write"),
        ("\"personal\", \"workspace\"", "", "acme.toml:7: keys.kinds: is empty; name at least one"),
        (
            "[\"personal\", \"workspace\"]",
            "\"workspace\"\ninherit = true",
            "acme.toml:8: keys.inherit: only a personal key has an owner to inherit from",
        ),
        (
            "\"30 days\", \"never\"",
            "\"a month\"",
            "acme.toml:8: keys.expiry_menu[0]: \"a month\" is no duration; write",
        ),
        (
            "\"30 days\", \"never\"",
            "\"1 year\", \"365 days\"",
            "keys.expiry_menu[1]: \"365 days\" is in the menu twice",
        ),
        (
            "\"30 days\", \"never\"",
            "\"2 years\"",
            "acme.toml:8: keys.expiry_menu[0]: \"2 years\" is longer than expiry_max",
        ),
        (
            "default = \"30 days\"",
            "default = \"31 days\"",
            "acme.toml:9: keys.expiry_default: is not one of expiry_menu",
        ),
        (
            "max = \"1 year\"",
            "max = \"101 years\"",
            "acme.toml:10: keys.expiry_max: \"101 years\" is too long",
        ),
        (
            "\"24 hours\"",
            "86400",
            "acme.toml:11: keys.rotation_overlap: is of the type integer; write a text",
        ),
        ("\"24 hours\"", "\"2 years\"", "acme.toml:11: keys.rotation_overlap: is longer than expiry_max"),
        (
            "\"24 hours\"",
            "\"24 hours\"\nrequests_per_minute = 0",
            "acme.toml:12: keys.requests_per_minute: must be",
        ),
        (
            "\"24 hours\"",
            "\"24 hours\"\nrequests_per_minute = 1000001",
            "acme.toml:12: keys.requests_per_minute: must be a whole number from 1 to 1000000",
        ),
        (
            "\"24 hours\"",
            "\"24 hours\"\ncreate_by_api = \"yes\"",
            "acme.toml:12: keys.create_by_api: is of the type string; write true or false",
        ),
    ] {
        refused(piece, by, expected);
    }
}

#[test]
fn a_mistake_in_scopes_roles_or_plans_names_file_line_and_key() {
    for (piece, by, expected) in [
        (
            "name = \"things:write\"",
            "name = \"things:read\"",
            "acme.toml:19: scopes[1].name: the scope \"things:read\" is there twice",
        ),
        (
            "name = \"things:write\"",
            "name = \"things *\"",
            "acme.toml:19: scopes[1].name: \"things *\" is no name; use",
        ),
        (
            "implies = [\"things:read\"]",
            "implies = [\n  \"things:reed\",\n]",
            "acme.toml:23: scopes[1].implies[0]: the scope \"things:write\" implies \"things:reed\", which the catalogue does not have. Did you mean \"things:read\"?",
        ),
        ("rules = [\"**\"]", "rules = []", "acme.toml:25: roles[0].name: the first role holds everything"),
        (
            "name = \"member\"",
            "name = \"owner\"",
            "acme.toml:30: roles[1].name: the role \"owner\" is there twice",
        ),
        (
            "[\"things:read\", {",
            "[\"things:raed\", {",
            "acme.toml:32: roles[1].rules[0]: \"things:raed\" fits none of [[scopes]]",
        ),
        (
            "[\"things:read\", {",
            "[\"things:\", {",
            "acme.toml:32: roles[1].rules[0]: \"things:\" cannot be used: a pattern is",
        ),
        (
            "thing:mine-*",
            "thing/*",
            "acme.toml:32: roles[1].rules[1].resources[0]: \"thing/*\" cannot be used",
        ),
        (
            "[\"thing:mine-*\"]",
            "[]",
            "acme.toml:32: roles[1].rules[1].resources: is empty; name at least one",
        ),
        (
            "api_keys = true",
            "keys = true",
            "acme.toml:37: plans[0].keys: there is no such key. Here go: name, title",
        ),
        ("api_keys = true", "", "acme.toml:34: plans[0].api_keys: this key is missing"),
        (
            "api_keys = true",
            "api_keys = true\nseats_max = -1",
            "acme.toml:38: plans[0].seats_max: must be a whole number",
        ),
        (
            "api_keys = true",
            "api_keys = true\nrequests_per_minute = 0",
            "acme.toml:38: plans[0].requests_per_minute: must be a whole number",
        ),
    ] {
        refused(piece, by, expected);
    }
}

#[test]
fn a_mistake_in_routes_names_file_line_and_key() {
    for (piece, by, expected) in [
        (
            "[\"GET\"]",
            "[\"get\"]",
            "acme.toml:40: routes[0].method[0]: \"get\" is no method; write one in capitals",
        ),
        (
            "\"/things\", \"/things/{id}\"",
            "\"things\"",
            "acme.toml:41: routes[0].path[0]: \"things\" cannot be used: a path template starts",
        ),
        (
            "\"/things\", \"/things/{id}\"",
            "\"/{a}\", \"/b\"",
            "acme.toml:41: routes[0].path[1]: GET /b is never reached: GET /{a} at acme.toml:41 comes first",
        ),
        (
            "scope = \"things:read\"",
            "scope = \"thing:read\"",
            "acme.toml:42: routes[0].scope: \"thing:read\" is neither one of [[scopes]] nor a permission of Keyward's. Did you mean \"things:read\"?",
        ),
        ("scope = \"things:read\"", "", "acme.toml:39: routes[0]: says nothing about what it needs"),
        (
            "scope = \"things:read\"",
            "scope = \"things:read\"\nany_of = []",
            "acme.toml:39: routes[0]: has more than one of scope",
        ),
        (
            "scope = \"things:read\"",
            "all_of = []",
            "acme.toml:42: routes[0].all_of: is empty; name at least one",
        ),
        (
            "\"thing:{id}\"",
            "\"thing:{name}\"",
            "acme.toml:49: routes[1].resource: the resource names {name}, which the path does not have",
        ),
        (
            "\"thing:{id}\"",
            "\"thing:{id\"",
            "acme.toml:49: routes[1].resource: \"thing:{id\" has a { without its }",
        ),
    ] {
        refused(piece, by, expected);
    }
}

#[test]
fn mistakes_of_several_parts_are_told_at_once() {
    let text = GOOD.replace("acme_", "a").replace("[\"**\"]", "[]").replace("\"POST\"", "\"post\"");
    let said = read(&text).unwrap_err();
    assert_eq!(said.lines().count(), 3, "{said}");
}

#[test]
fn an_empty_file_misses_every_part() {
    let said = read("").unwrap_err();
    assert_eq!(said.lines().count(), 5, "{said}");
    assert!(
        read("\nscopes = []\nroles = 7\nplans = []\n")
            .unwrap_err()
            .contains("acme.toml:2: scopes: is empty; add at least one")
    );
}
