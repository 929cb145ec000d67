use std::process::Command;

use keyward_tests::{Places, RunningGateway};

use super::{Product, recipe};

fn start(places: Places) -> RunningGateway {
    let recipe = recipe("caddy");
    recipe.start(|port, dir| {
        let file = dir.join("Caddyfile");
        std::fs::write(&file, recipe.configured("caddyfile", port, places)).expect("a file in the temp dir");
        let mut command = Command::new("caddy");
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file).env("HOME", dir);
        command
    })
}

#[test]
fn cve_5_caddy_refuses_a_scope_that_the_key_lacks() {
    super::a_scope_that_the_key_lacks_is_403(&Product::behind(start, "cveium"));
}

#[test]
fn cyc_3_caddy_refuses_entities_that_the_key_is_not_narrowed_to() {
    super::entities_that_the_key_is_not_narrowed_to_are_403(&Product::behind(start, "cycloid"));
}

#[test]
fn caddy_holds_what_every_gateway_must() {
    super::holds_what_every_gateway_must(&Product::behind(start, "cveium"), Some("::1"));
}

#[test]
fn caddy_lets_nobody_in_while_keyward_is_away() {
    super::nobody_gets_in_while_keyward_is_away(start);
}
