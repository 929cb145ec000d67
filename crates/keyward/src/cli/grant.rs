//! What keys and roles may do, as it is written on a command line: scopes and rules.

use keyward_wire::key::Rule;

use super::failure::Failure;
use super::rule::parse_rule;
use super::terminal;

/// The flags that say what something new may do.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct NewGrant {
    /// What it may do; repeat it, or separate with commas
    #[arg(long = "scope", short, value_name = "SCOPE", value_delimiter = ',')]
    scopes: Vec<String>,
    /// Beside the scopes: an action, on the resources after = or on everything; repeatable
    #[arg(long = "rule", value_name = "ACTION[=RESOURCE,…]", value_parser = parse_rule)]
    rules: Vec<Rule>,
}

impl NewGrant {
    pub(super) fn scopes(&self) -> Option<Vec<String>> {
        unless_empty(self.scopes.clone())
    }

    pub(super) fn rules(&self) -> Option<Vec<Rule>> {
        unless_empty(self.rules.clone())
    }
}

/// The flags that change what something may do.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct GrantEdit {
    /// What it may do, in place of all its scopes; repeat it, or separate with commas
    #[arg(long = "scope", short, value_name = "SCOPE", value_delimiter = ',')]
    scopes: Vec<String>,
    /// Give it this scope too; repeat it, or separate with commas
    #[arg(long = "add-scope", value_name = "SCOPE", value_delimiter = ',', conflicts_with = "scopes")]
    add_scopes: Vec<String>,
    /// Take this scope away; repeat it, or separate with commas
    #[arg(long = "remove-scope", value_name = "SCOPE", value_delimiter = ',', conflicts_with = "scopes")]
    remove_scopes: Vec<String>,
    /// In place of all its rules: an action, on the resources after = or on everything; repeatable
    #[arg(long = "rule", value_name = "ACTION[=RESOURCE,…]", value_parser = parse_rule)]
    rules: Vec<Rule>,
    /// Take all its rules away
    #[arg(long, conflicts_with = "rules")]
    no_rules: bool,
}

impl GrantEdit {
    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        let scopes = [&self.scopes, &self.add_scopes, &self.remove_scopes];
        scopes.iter().all(|list| list.is_empty()) && self.rules.is_empty() && !self.no_rules
    }

    /// Refuses what contradicts itself, where the flags alone do not show it.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self.add_scopes.iter().find(|scope| self.remove_scopes.contains(scope)) {
            Some(scope) => {
                Err(Failure::usage(format!("{scope} is both in --add-scope and in --remove-scope")))
            }
            None => Ok(()),
        }
    }

    /// All scopes that there shall be, given those that there are. `None`: they stay.
    pub(super) fn scopes(&self, before: &[String]) -> Option<Vec<String>> {
        if !self.scopes.is_empty() {
            return Some(self.scopes.clone());
        }
        if self.add_scopes.is_empty() && self.remove_scopes.is_empty() {
            return None;
        }
        let mut scopes = before.to_vec();
        scopes.retain(|scope| !self.remove_scopes.contains(scope));
        let new = self.add_scopes.iter().filter(|scope| !before.contains(scope));
        scopes.extend(new.cloned());
        Some(scopes)
    }

    /// All rules that there shall be. `None`: they stay.
    pub(super) fn rules(&self) -> Option<Vec<Rule>> {
        (self.no_rules || !self.rules.is_empty()).then(|| self.rules.clone())
    }

    /// Says which scopes could not be taken away, since they were not there.
    pub(super) fn say_missing(&self, before: &[String]) {
        for scope in self.remove_scopes.iter().filter(|scope| !before.contains(scope)) {
            terminal::say(format!("It did not have the scope {scope}."));
        }
    }
}

/// The values, if there are any.
pub(super) fn unless_empty<T>(values: Vec<T>) -> Option<Vec<T>> {
    (!values.is_empty()).then_some(values)
}

/// Says where the scopes are listed, if it is about them.
pub(super) fn advise_scopes(failure: Failure) -> Failure {
    if failure.is_about("scopes") {
        failure.advise("Run: keyward keys scopes; it lists them.")
    } else {
        failure
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        edit: GrantEdit,
    }

    fn read(flags: &[&str]) -> Result<GrantEdit, clap::Error> {
        Line::try_parse_from(["edit"].iter().chain(flags)).map(|line| line.edit)
    }

    fn scopes(flags: &[&str]) -> Option<Vec<String>> {
        read(flags).unwrap().scopes(&["a:read".to_owned(), "b:read".to_owned()])
    }

    #[test]
    fn scopes_are_replaced_or_added_to_what_is_there() {
        assert_eq!(scopes(&["--no-rules"]), None);
        assert_eq!(scopes(&["--scope", "c:read"]).unwrap(), ["c:read"]);
        let moved = ["--add-scope", "c:read,a:read", "--remove-scope", "b:read"];
        assert_eq!(scopes(&moved).unwrap(), ["a:read", "c:read"]);
        assert_eq!(scopes(&["--remove-scope", "a:read,b:read"]), Some(Vec::new()));
    }

    #[test]
    fn rules_are_replaced_or_go() {
        assert_eq!(read(&["--add-scope", "a"]).unwrap().rules(), None);
        assert_eq!(read(&["--no-rules"]).unwrap().rules(), Some(Vec::new()));
        let rule = Rule { action: "x:y".to_owned(), resources: vec!["z:1".to_owned(), "z:2".to_owned()] };
        assert_eq!(read(&["--rule", "x:y=z:1,z:2"]).unwrap().rules(), Some(vec![rule]));
    }

    #[test]
    fn nothing_is_known_from_something_and_contradictions_are_refused() {
        assert!(read(&[]).unwrap().is_empty());
        for flags in [
            &["--scope", "a"][..],
            &["--add-scope", "a"],
            &["--remove-scope", "a"],
            &["--rule", "a"],
            &["--no-rules"],
        ] {
            assert!(!read(flags).unwrap().is_empty(), "{flags:?}");
        }
        for flags in [&["--scope", "a", "--add-scope", "b"][..], &["--rule", "a", "--no-rules"]] {
            assert!(read(flags).is_err(), "{flags:?}");
        }
        assert!(read(&["--add-scope", "a", "--remove-scope", "a"]).unwrap().check().is_err());
    }
}
