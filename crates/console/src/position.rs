//! A place in a list, as it stands in an address.

use keyward_service::list::{Position, SortValue, hex};

/// The text of a place.
pub(crate) fn written(position: &Position) -> String {
    let value = match &position.value {
        SortValue::Number(number) => format!("n{number}"),
        SortValue::Text(text) => format!("t{}", hex(text.as_bytes())),
    };
    format!("{value}.{}", hex(&position.id))
}

/// Back from the text. `None`: no page of ours wrote it.
pub(crate) fn read(text: &str) -> Option<Position> {
    let (value, id) = text.split_once('.')?;
    let value = match value.split_at_checked(1)? {
        ("n", number) => SortValue::Number(number.parse().ok()?),
        ("t", digits) => SortValue::Text(String::from_utf8(unhex(digits)?).ok()?),
        _ => return None,
    };
    Some(Position { value, id: unhex(id)?.try_into().ok()? })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
