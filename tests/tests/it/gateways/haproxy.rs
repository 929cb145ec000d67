use std::process::Command;

use keyward_tests::{Places, RunningGateway};

use super::{Product, recipe};

fn start(places: Places) -> RunningGateway {
    let recipe = recipe("haproxy");
    recipe.start(|port, dir| {
        let files = [
            ("haproxy.cfg", recipe.configured("haproxy", port, places)),
            ("keyward.lua", recipe.block("lua")),
        ];
        for (name, text) in files {
            std::fs::write(dir.join(name), text).expect("a file in the temp dir");
        }
        let mut command = Command::new("haproxy");
        command.args(["-f", "haproxy.cfg"]);
        command
    })
}

#[test]
fn cve_5_haproxy_refuses_a_scope_that_the_key_lacks() {
    super::a_scope_that_the_key_lacks_is_403(&Product::behind(start, "cveium"));
}

#[test]
fn cyc_3_haproxy_refuses_entities_that_the_key_is_not_narrowed_to() {
    super::entities_that_the_key_is_not_narrowed_to_are_403(&Product::behind(start, "cycloid"));
}

#[test]
fn haproxy_holds_what_every_gateway_must() {
    super::holds_what_every_gateway_must(&Product::behind(start, "cveium"), Some("::1"));
}

#[test]
fn haproxy_lets_nobody_in_while_keyward_is_away() {
    super::nobody_gets_in_while_keyward_is_away(start);
}
