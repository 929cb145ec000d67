use std::process::Command;

use keyward_tests::{Places, RunningGateway, project_root, tool};

use super::{Product, recipe};

fn start(page: &str, places: Places) -> RunningGateway {
    let recipe = recipe(page);
    recipe.start(|port, dir| {
        let file = dir.join("envoy.yaml");
        std::fs::write(&file, recipe.configured("yaml", port, places)).expect("a file in the temp dir");
        let mut command = Command::new(tool("envoy"));
        // Several at once on one machine; and one thread is enough for each.
        command.arg("-c").arg(file).args(["--use-dynamic-base-id", "--concurrency", "1"]);
        command.env("HOME", dir).env("PWD", project_root());
        command
    })
}

fn over_http(places: Places) -> RunningGateway {
    start("envoy", places)
}

pub(crate) fn over_grpc(places: Places) -> RunningGateway {
    start("envoy-grpc", places)
}

#[test]
fn cve_5_envoy_over_http_refuses_a_scope_that_the_key_lacks() {
    super::a_scope_that_the_key_lacks_is_403(&Product::behind(over_http, "cveium"));
}

#[test]
fn cyc_3_envoy_over_http_refuses_entities_that_the_key_is_not_narrowed_to() {
    super::entities_that_the_key_is_not_narrowed_to_are_403(&Product::behind(over_http, "cycloid"));
}

#[test]
fn envoy_over_http_holds_what_every_gateway_must() {
    // Envoy writes an address of the machine for a client on loopback: which one is the machine's affair.
    super::holds_what_every_gateway_must(&Product::behind(over_http, "cveium"), None);
}

#[test]
fn envoy_over_http_lets_nobody_in_while_keyward_is_away() {
    super::nobody_gets_in_while_keyward_is_away(over_http);
}

#[test]
fn cve_5_envoy_over_grpc_refuses_a_scope_that_the_key_lacks() {
    super::a_scope_that_the_key_lacks_is_403(&Product::behind(over_grpc, "cveium"));
}

#[test]
fn cyc_3_envoy_over_grpc_refuses_entities_that_the_key_is_not_narrowed_to() {
    super::entities_that_the_key_is_not_narrowed_to_are_403(&Product::behind(over_grpc, "cycloid"));
}

#[test]
fn envoy_over_grpc_holds_what_every_gateway_must() {
    super::holds_what_every_gateway_must(&Product::behind(over_grpc, "cveium"), Some("::1"));
}

#[test]
fn envoy_over_grpc_is_told_for_how_long_it_may_use_an_answer_whatever_the_client_wrote() {
    let product = Product::behind(over_grpc, "cveium");
    let key = product.keyward.workspace().key_with(&["products:read"]);
    let (_, arrived) = product.passes(|client| {
        client.bearer(&key.secret).with("X-Keyward-Usable-For-Ms", "86400000").get("/api/products")
    });
    assert_eq!(arrived.headers("x-keyward-usable-for-ms"), ["250"], "{}", arrived.head);
}

#[test]
fn envoy_over_grpc_lets_nobody_in_while_keyward_is_away() {
    super::nobody_gets_in_while_keyward_is_away(over_grpc);
}
