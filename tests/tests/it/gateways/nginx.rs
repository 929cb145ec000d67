use std::process::Command;

use keyward_tests::{Places, RunningGateway};

use super::{Product, recipe};

fn start(places: Places) -> RunningGateway {
    let recipe = recipe("nginx");
    recipe.start(|port, dir| {
        let text = recipe.configured("nginx", port, places);
        // Where the packages of distributions keep bodies, only root may write.
        let kept: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("    {what}_temp_path {}/{what};\n", dir.display()))
            .concat();
        let text = text.replace("\nhttp {\n", &format!("\nhttp {{\n{kept}    access_log stdout.log;\n"));
        let file = dir.join("nginx.conf");
        std::fs::write(&file, text).expect("a file in the temp dir");
        let mut command = Command::new("nginx");
        // The workers of one that root starts are somebody else, who must get into the folder.
        let only_here = "daemon off; master_process off; error_log stderr; pid nginx.pid;";
        command.arg("-p").arg(dir).arg("-c").arg(file).args(["-g", only_here]);
        command
    })
}

#[test]
fn cve_5_nginx_refuses_a_scope_that_the_key_lacks() {
    super::a_scope_that_the_key_lacks_is_403(&Product::behind(start, "cveium"));
}

#[test]
fn cyc_3_nginx_refuses_entities_that_the_key_is_not_narrowed_to() {
    super::entities_that_the_key_is_not_narrowed_to_are_403(&Product::behind(start, "cycloid"));
}

#[test]
fn nginx_holds_what_every_gateway_must() {
    super::holds_what_every_gateway_must(&Product::behind(start, "cveium"), Some("::1"));
}

#[test]
fn nginx_lets_nobody_in_while_keyward_is_away() {
    super::nobody_gets_in_while_keyward_is_away(start);
}

#[test]
fn nginx_keeps_its_connections_to_keyward() {
    let product = Product::behind(start, "cveium");
    let key = product.keyward.workspace().key_with(&["products:read"]);
    let opened = || {
        let text = product.keyward.data().get("/metrics").expect(200).text;
        let sample = text.lines().find_map(|line| line.strip_prefix("keyward_connections_opened_total "));
        sample.and_then(|count| count.parse::<u32>().ok()).expect("a count")
    };
    let before = opened();
    for _ in 0..20 {
        product.passes(|client| client.bearer(&key.secret).get("/api/products"));
    }
    // One is the second look at the metrics.
    let between = opened() - before - 1;
    assert!((1..=5).contains(&between), "{between} connections for 20 questions");
}
