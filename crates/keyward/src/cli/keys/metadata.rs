//! Metadata, as it is written on a command line: `NAME=VALUE`.

use std::collections::BTreeMap;

use crate::cli::failure::Failure;

/// Reads a name and its value.
pub(super) fn parse(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    pair.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| "write NAME=VALUE".to_owned())
}

/// All of them, each name once.
pub(super) fn collect(pairs: &[(String, String)]) -> Result<BTreeMap<String, String>, Failure> {
    let mut metadata = BTreeMap::new();
    for (name, value) in pairs {
        if metadata.insert(name.clone(), value.clone()).is_some() {
            return Err(Failure::usage(format!("--metadata gives {name} twice")));
        }
    }
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_a_name_and_a_value() {
        assert_eq!(parse("team=a=b"), Ok(("team".to_owned(), "a=b".to_owned())));
        assert_eq!(parse("team="), Ok(("team".to_owned(), String::new())));
        assert!(parse("team").is_err());
        assert!(parse("=x").is_err());
    }

    #[test]
    fn a_name_has_one_value() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(collect(&[pair("a", "1"), pair("b", "2")]).unwrap().len(), 2);
        assert!(collect(&[pair("a", "1"), pair("a", "2")]).is_err());
    }
}
