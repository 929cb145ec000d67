//! One use in words.

use jiff::Timestamp;
use keyward_wire::usage::Use;

use crate::cli::table::Paint;
use crate::cli::text::plain;

/// As wide as most outcomes and addresses are, so that lines stand below one another.
const CODE_WIDTH: usize = 18;
const IP_WIDTH: usize = 15;

/// To the millisecond: uses come close together.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

pub(super) fn paint(code: &str) -> Paint {
    if code == "valid" { Paint::Green } else { Paint::Yellow }
}

/// Method and path, as far as they are known.
pub(super) fn request(used: &Use) -> String {
    let parts = [used.method.as_deref(), used.path.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// A line of its own, for a list that goes on.
pub(super) fn of(used: &Use, colour: bool) -> String {
    let safe = |text: &str| plain(text).into_owned();
    let code = format!("{:CODE_WIDTH$}", safe(&used.code));
    let ip = safe(used.ip.as_deref().unwrap_or("-"));
    let mut line = format!("{}  {}  {ip:IP_WIDTH$}", time(used.at), paint(&used.code).on(&code, colour));
    let asked = used.scope.clone().unwrap_or_default();
    let program = used.user_agent.clone().unwrap_or_default();
    let old = if used.secret == "previous" { "old secret" } else { "" };
    for part in [request(used), asked, program, old.to_owned()] {
        if !part.is_empty() {
            line.push_str("  ");
            line.push_str(&safe(&part));
        }
    }
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_one_line_that_steers_no_terminal() {
        let used = Use {
            at: "2026-11-20T12:00:00.25Z".parse().unwrap(),
            code: "valid".to_owned(),
            ip: None,
            user_agent: Some("a\u{1b}[2Jb\nc".to_owned()),
            node: "local".to_owned(),
            secret: "previous".to_owned(),
            scope: None,
            method: Some("GET".to_owned()),
            path: Some("/items".to_owned()),
        };
        let line = "2026-11-20T12:00:00.250Z  valid               -                GET /items  a\\u{1b}[2Jb\\nc  old secret\n";
        assert_eq!(of(&used, false), line);
    }
}
