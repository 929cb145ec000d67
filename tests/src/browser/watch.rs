//! What pages may never do.

use serde_json::Value;

use super::driver::Session;

/// What was wrong since it was last asked. A page that refuses (403, 404, 422) is no mistake; a part of a page that is not
/// there is one.
pub(super) fn complaints(session: &Session, host: &str) -> Vec<String> {
    let written = session.log("browser").into_iter().filter_map(|entry| console(&entry));
    let asked = session.log("performance").into_iter().filter_map(|entry| network(&entry, host));
    written.chain(asked).collect()
}

fn console(entry: &Value) -> Option<String> {
    let message = entry["message"].as_str().unwrap_or_default();
    let is_of_network = entry["source"] == "network";
    let is_bad =
        entry["level"] == "SEVERE" || entry["source"] == "security" || entry["source"] == "violation";
    (is_bad && !is_of_network).then(|| format!("console: {message}"))
}

fn network(entry: &Value, host: &str) -> Option<String> {
    let event: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
    let event = &event["message"];
    let params = &event["params"];
    match event["method"].as_str()? {
        "Network.requestWillBeSent" => {
            let url = params["request"]["url"].as_str()?;
            let is_ours = url.starts_with(&format!("http://{host}/"));
            let asks_nobody = ["data:", "blob:", "about:"].iter().any(|scheme| url.starts_with(scheme));
            (!is_ours && !asks_nobody).then(|| format!("a request to {url}"))
        }
        "Network.responseReceived" => {
            let status = params["response"]["status"].as_u64()?;
            let is_page = params["type"] == "Document";
            let is_bad = if is_page { status >= 500 } else { status >= 400 };
            is_bad.then(|| format!("{status} for {}", params["response"]["url"]))
        }
        _ => None,
    }
}
