//! Forms and queries: `name=value` pairs with `&` between, percent-encoded.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::bounds::PARAMETERS_MAX;

/// One pair.
#[derive(Debug)]
pub(crate) struct Parameter<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) value: Cow<'a, str>,
}

/// Reads all pairs. `None`: one has no `=` or is not well-formed, or there are too many.
pub(crate) fn read(text: &str) -> Option<Vec<Parameter<'_>>> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let mut parameters = Vec::new();
    for pair in pairs {
        let (name, value) = pair.split_once('=')?;
        if parameters.len() == PARAMETERS_MAX {
            return None;
        }
        parameters.push(Parameter { name: decode(name)?, value: decode(value)? });
    }
    Some(parameters)
}

/// Decodes `%XX` and `+`. `None` for what is not well-formed.
pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let well_formed = text.split('%').skip(1).all(|rest| {
        let mut digits = rest.bytes().take(2);
        digits.len() == 2 && digits.all(|b| b.is_ascii_hexdigit())
    });
    let spaced: Vec<u8> = text.bytes().map(|b| if b == b'+' { b' ' } else { b }).collect();
    well_formed
        .then(|| percent_decode(&spaced).decode_utf8().ok().map(|text| Cow::Owned(text.into_owned())))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_what_is_ill_formed_is_refused() {
        let pairs = read("a=b+c&&d%3d=%c3%a4&e=").unwrap();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|pair| (&*pair.name, &*pair.value)).collect();
        assert_eq!(pairs, [("a", "b c"), ("d=", "ä"), ("e", "")]);
        for ill in ["a", "a=%", "a=%4", "a=%zz", "a=%ff", "%=b"] {
            assert!(read(ill).is_none(), "{ill}");
        }
        assert!(read(&"a=b&".repeat(PARAMETERS_MAX)).is_some());
        assert!(read(&"a=b&".repeat(PARAMETERS_MAX + 1)).is_none());
    }
}
