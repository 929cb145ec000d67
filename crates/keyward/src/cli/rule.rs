//! Rules, as they are written on a command line: `ACTION`, or `ACTION=RESOURCE,…`.

use keyward_wire::key::Rule;

use super::text;

/// Reads a rule. An `=` with nothing after it is refused: it would mean everything where something was meant.
pub(super) fn parse_rule(text: &str) -> Result<Rule, String> {
    let (action, resources) = match text.split_once('=') {
        None => (text, Vec::new()),
        Some((action, resources)) => (action, resources.split(',').map(str::to_owned).collect()),
    };
    if action.is_empty() || resources.iter().any(String::is_empty) {
        return Err(
            "write ACTION, or ACTION=RESOURCE,RESOURCE; without = the action is allowed on everything"
                .to_owned(),
        );
    }
    Ok(Rule { action: action.to_owned(), resources })
}

/// The rule in words.
pub(super) fn in_words(rule: &Rule) -> String {
    match rule.resources.as_slice() {
        [] if rule.action == "**" => "** (everything)".to_owned(),
        [] => format!("{} on everything", rule.action),
        resources => format!("{} on {}", rule.action, resources.join(", ")),
    }
}

/// The rule in few words: its resources are counted.
pub(super) fn in_short(rule: &Rule) -> String {
    match rule.resources.len() {
        0 => rule.action.clone(),
        resources => format!("{} on {}", rule.action, text::count(resources as u64, "resource")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_an_action_and_perhaps_resources() {
        let read = |text| parse_rule(text).map(|rule| (rule.action, rule.resources));
        assert_eq!(read("project:read"), Ok(("project:read".to_owned(), vec![])));
        let resources = vec!["a:b".to_owned(), "c:*".to_owned()];
        assert_eq!(read("project:read=a:b,c:*"), Ok(("project:read".to_owned(), resources)));
    }

    #[test]
    fn a_rule_is_told_in_more_and_in_fewer_words() {
        let [bare, long] = ["project:read", "project:read=a:b,c:*"].map(|text| parse_rule(text).unwrap());
        assert_eq!(
            (in_words(&bare).as_str(), in_short(&bare).as_str()),
            ("project:read on everything", "project:read")
        );
        assert_eq!(in_words(&long), "project:read on a:b, c:*");
        assert_eq!(in_words(&parse_rule("**").unwrap()), "** (everything)");
        assert_eq!(in_short(&long), "project:read on 2 resources");
    }

    #[test]
    fn an_empty_variable_does_not_widen_a_rule() {
        for text in ["", "=", "=a:b", "project:read=", "project:read=a:b,", "project:read=,a:b"] {
            assert!(parse_rule(text).is_err(), "{text}");
        }
    }
}
