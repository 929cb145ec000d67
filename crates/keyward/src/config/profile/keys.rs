//! `[keys]`: what keys look like, which kinds there are and when they end.

use keyward_core::profile::{ExpiryChoice, ExpiryPolicy, KeyPolicy, Kinds};
use keyward_core::secret::{Encoding, SecretFormat};

use super::{duration, read_rate};
use crate::config::document::{Field, Table};
use crate::config::mistake::{Mistake, Mistakes, quote};

/// Most choices of the expiry menu: a person reads them.
const MENU_MAX: usize = 20;

const KEYS: &[&str] = &[
    "prefix",
    "encoding",
    "checksum",
    "kinds",
    "inherit",
    "create_by_api",
    "expiry_menu",
    "expiry_default",
    "expiry_max",
    "rotation_overlap",
    "requests_per_minute",
];

pub(super) fn read(field: &Field<'_>, mistakes: &mut Mistakes) -> Option<KeyPolicy> {
    let table = mistakes.take(field.table())?;
    mistakes.take(table.only(KEYS));
    let format = mistakes.take(read_format(&table));
    let kinds = mistakes.take(table.required("kinds").and_then(|field| read_kinds(&field)));
    let expiry = mistakes.take(read_expiry(&table));
    let create_by_api = mistakes.take(read_truth(&table, "create_by_api", true));
    let inherit = kinds.and_then(|kinds| mistakes.take(read_inherit(&table, kinds)));
    let requests_per_minute = mistakes.take(read_rate(&table));
    let max_seconds = expiry.as_ref().map(|expiry| expiry.max_seconds);
    let overlap = max_seconds.and_then(|max_seconds| mistakes.take(read_overlap(&table, max_seconds)));
    Some(KeyPolicy {
        format: format?,
        kinds: kinds?,
        expiry: expiry?,
        create_by_api: create_by_api?,
        inherit: inherit?,
        rotation_overlap_seconds: overlap?,
        requests_per_minute: requests_per_minute?,
    })
}

fn read_format(table: &Table<'_>) -> Result<SecretFormat, Mistake> {
    let prefix = table.required("prefix")?;
    let encodings = [("hex", Encoding::Hex), ("base62", Encoding::Base62)];
    let encoding = table.required("encoding")?.one_of(&encodings)?;
    if let Some(checksum) = table.optional("checksum") {
        checksum.one_of(&[("crc32", ())])?;
    }
    let text = prefix.text()?;
    SecretFormat::new(text, encoding)
        .map_err(|invalid| prefix.wrong(format!("{} cannot be used: {invalid}", quote(text))))
}

fn read_kinds(field: &Field<'_>) -> Result<Kinds, Mistake> {
    #[derive(Clone, Copy)]
    enum Kind {
        Personal,
        Workspace,
    }
    let mut kinds = Kinds { personal: false, workspace: false };
    for item in field.one_or_more()? {
        match item.one_of(&[("personal", Kind::Personal), ("workspace", Kind::Workspace)])? {
            Kind::Personal => kinds.personal = true,
            Kind::Workspace => kinds.workspace = true,
        }
    }
    Ok(kinds)
}

fn read_truth(table: &Table<'_>, name: &str, unsaid: bool) -> Result<bool, Mistake> {
    table.optional(name).map_or(Ok(unsaid), |field| field.truth())
}

fn read_inherit(table: &Table<'_>, kinds: Kinds) -> Result<bool, Mistake> {
    let inherit = read_truth(table, "inherit", false)?;
    match table.optional("inherit") {
        Some(field) if inherit && !kinds.personal => Err(field.wrong(
            "only a personal key has an owner to inherit from; add \"personal\" to kinds or leave inherit out",
        )),
        _ => Ok(inherit),
    }
}

fn read_expiry(table: &Table<'_>) -> Result<ExpiryPolicy, Mistake> {
    let max_seconds = duration::read(&table.required("expiry_max")?)?;
    let menu_field = table.required("expiry_menu")?;
    let items = menu_field.one_or_more()?;
    if items.len() > MENU_MAX {
        return Err(menu_field.wrong(format!("has too many choices; at most {MENU_MAX} fit")));
    }
    let mut menu: Vec<ExpiryChoice> = Vec::new();
    for item in &items {
        let choice = read_choice(item, max_seconds)?;
        if menu.iter().any(|other| other.seconds == choice.seconds) {
            return Err(item.wrong(format!("{} is in the menu twice", quote(item.text()?))));
        }
        menu.push(choice);
    }
    let default_field = table.required("expiry_default")?;
    let wanted = duration::read_or_never(&default_field)?;
    let default = menu.iter().position(|choice| choice.seconds == wanted).ok_or_else(|| {
        default_field.wrong("is not one of expiry_menu; take one of its choices, or add this one to it")
    })?;
    let never = menu.iter().any(|choice| choice.seconds.is_none());
    Ok(ExpiryPolicy { menu, default, never, max_seconds })
}

fn read_choice(item: &Field<'_>, max_seconds: u64) -> Result<ExpiryChoice, Mistake> {
    let text = item.text()?;
    match duration::read_or_never(item)? {
        None => Ok(ExpiryChoice { label: "Never".into(), seconds: None }),
        Some(seconds) if seconds > max_seconds => {
            Err(item.wrong(format!("{} is longer than expiry_max", quote(text))))
        }
        Some(seconds) => Ok(ExpiryChoice { label: text.into(), seconds: Some(seconds) }),
    }
}

fn read_overlap(table: &Table<'_>, max_seconds: u64) -> Result<u64, Mistake> {
    let field = table.required("rotation_overlap")?;
    let seconds = duration::read(&field)?;
    if seconds > max_seconds {
        return Err(field.wrong("is longer than expiry_max; an old secret cannot outlive its key"));
    }
    Ok(seconds)
}
