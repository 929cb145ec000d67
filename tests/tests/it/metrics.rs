//! `/metrics`: what it says, that it is documented, and that the dashboard asks for nothing that is not there.

use std::collections::BTreeSet;

use keyward_tests::{Keyward, Value, json, project_root, shared};

/// The families of a text in the format of Prometheus, by the name in `# TYPE`.
fn families(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|rest| rest.split(' ').next()).map(str::to_owned).collect()
}

/// The names of all samples.
fn samples(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect()
}

/// Every word of a text that a metric of ours could be.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("keyward_")).map(str::to_owned).collect()
}

#[track_caller]
fn value(text: &str, sample: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {sample} in:\n{text}"))
}

fn read(keyward: &Keyward) -> String {
    keyward.data().get("/metrics").expect(200).text
}

fn file(path: &str) -> String {
    let path = project_root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_metric_has_its_type_and_help_and_none_names_a_key() {
    let keyward = shared("cveium");
    let key = keyward.workspace().key_with(&["products:read"]);
    keyward.verify_code(&key.secret);
    let text = read(keyward);
    for family in families(&text) {
        assert_eq!(text.matches(&format!("# TYPE {family} ")).count(), 1, "{family}");
        assert_eq!(text.matches(&format!("# HELP {family} ")).count(), 1, "{family}");
        assert!(family.starts_with("keyward_"), "{family}");
    }
    for sample in samples(&text) {
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .fold(&*sample, |name, end| name.strip_suffix(end).unwrap_or(name));
        assert!(text.contains(&format!("# TYPE {family} ")), "{sample} belongs to no family");
    }
    assert!(!text.contains(&key.id) && !text.contains(&key.secret), "{text}");
}

#[test]
fn decisions_are_counted_and_timed_by_door() {
    let keyward = Keyward::profile("cveium").start();
    let key = keyward.workspace().key_with(&["products:read"]);
    let before = read(&keyward);
    for _ in 0..5 {
        keyward.verify_code(&key.secret);
    }
    keyward.authorize(&key.secret, "DELETE", "/api/products/7").problem(403, "insufficient_scope");
    let after = read(&keyward);
    let grew = |sample: &str| value(&after, sample) - value(&before, sample);
    assert!((grew("keyward_decisions_total{door=\"verify\",code=\"valid\"}") - 5.0).abs() < 0.1);
    assert!(
        (grew("keyward_decisions_total{door=\"authorize\",code=\"insufficient_scope\"}") - 1.0).abs() < 0.1
    );
    assert!((grew("keyward_decision_duration_seconds_count{door=\"verify\"}") - 5.0).abs() < 0.1);
    let took = grew("keyward_decision_duration_seconds_sum{door=\"verify\"}");
    assert!(took > 0.0 && took < 5.0, "{took} seconds");
    let all = value(&after, "keyward_decision_duration_seconds_bucket{door=\"verify\",le=\"+Inf\"}");
    assert!(all >= value(&after, "keyward_decision_duration_seconds_bucket{door=\"verify\",le=\"0.001\"}"));
}

#[test]
fn a_node_tells_how_fresh_it_is() {
    let text = read(shared("cveium"));
    let age = value(&text, "keyward_epoch_age_milliseconds");
    let left = value(&text, "keyward_lease_left_milliseconds");
    assert!((0.0..4_000.0).contains(&age), "{age}");
    assert!((3_900.0..=4_000.0).contains(&(age + left)), "{age} and {left} are parts of one lease");
    assert!((value(&text, "keyward_ready") - 1.0).abs() < 0.1);
    assert!(value(&text, "keyward_epoch") > 0.0 && value(&text, "keyward_replica_keys") >= 0.0);
}

#[test]
fn the_reference_names_every_metric_and_no_other() {
    let page = file("docs/reference/metrics.md");
    // What only a gateway node has stands in a section of its own.
    let of_server = page.split("\n## A gateway node").next().unwrap_or_default();
    let rows = of_server.lines().filter(|line| line.starts_with("| `keyward_"));
    let documented: BTreeSet<String> =
        rows.flat_map(|row| named(row.split('|').nth(1).unwrap_or_default())).collect();
    assert_eq!(documented, families(&read(shared("cveium"))));
}

#[test]
fn the_reference_names_what_a_gateway_node_has_instead() {
    let page = file("docs/reference/metrics.md");
    let of_node = page.split("\n## A gateway node").nth(1).and_then(|rest| rest.split("\n## ").next());
    let rows = of_node.expect("its section").lines().filter(|line| line.starts_with("| `keyward_"));
    let documented: BTreeSet<String> =
        rows.flat_map(|row| named(row.split('|').nth(1).unwrap_or_default())).collect();
    let keyward = Keyward::profile("default").with_feed().start();
    let node = keyward.gateway("edge");
    let there = families(&node.data().get("/metrics").expect(200).text);
    let instead: BTreeSet<String> = there.difference(&families(&read(&keyward))).cloned().collect();
    assert_eq!(documented, instead);
}

#[test]
fn the_dashboard_asks_for_metrics_that_are_there() {
    let dashboard: Value = serde_json::from_str(&file("docs/grafana/keyward.json")).expect("JSON");
    let there = samples(&read(shared("cveium")));
    let panels = dashboard["panels"].as_array().expect("panels");
    assert!(panels.len() > 5);
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64()), "{} has another's id", panel["title"]);
        let targets = panel["targets"].as_array().expect("targets");
        assert!(!targets.is_empty(), "{} asks for nothing", panel["title"]);
        for target in targets {
            let asked = named(target["expr"].as_str().expect("an expression"));
            assert!(!asked.is_empty(), "{target}");
            assert!(asked.is_subset(&there), "{}: {asked:?}", panel["title"]);
        }
    }
    let variables = dashboard["templating"]["list"].to_string();
    assert!(named(&variables).is_subset(&there), "{variables}");
    assert_ne!(dashboard["uid"], json!(null));
}
