//! `[webhooks]` and `[sealing]`: where events may be sent, and what the secrets that sign them are sealed with.

use std::path::PathBuf;

use keyward_core::network::Reach;

use super::mistake::{Mistake, Mistakes};
use super::setting::{Setting, Shape};
use super::values::{Values, one_of};

pub(super) const ALLOW_HTTP: Setting = Setting {
    name: "webhooks.allow_http",
    shape: Shape::Plain,
    flag: None,
    default: Some("false"),
    takes: "`true` or `false`",
    meaning: "Whether webhooks may have addresses that begin with `http://`. What is sent to them can be read on its way.",
};

pub(super) const ALLOWED_NETWORKS: Setting = Setting {
    name: "webhooks.allowed_networks",
    shape: Shape::List,
    flag: None,
    default: None,
    takes: "addresses and networks, such as `10.0.0.0/8`",
    meaning: "Networks that webhooks may be in although they are private: whoever manages the settings of a workspace can then make this server ask there. Public addresses are always allowed.",
};

pub(super) const KEY_FILE: Setting = Setting {
    name: "sealing.key_file",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "the path of a file of 32 random bytes; it is made if it does not exist, readable by its owner only",
    meaning: "What secrets that the server must be able to read again are sealed with in the store, such as those of vaults and those that sign webhooks. Whoever has the store alone cannot read them. Left out: it lies beside the store, its name ending in `.sealing-key`.",
};

pub(super) const OTHER_KEY_FILES: Setting = Setting {
    name: "sealing.other_key_files",
    shape: Shape::List,
    flag: None,
    default: None,
    takes: "paths of files such as that of `sealing.key_file`",
    meaning: "Sealing keys beside the one of `sealing.key_file`, while that is replaced: what they have sealed can be read, and is sealed with that one after the start. They can be left out once the log says that nothing else is sealed with them.",
};

/// Most keys beside the present one: a replacement that is under way, and some that were forgotten.
const OTHERS_MAX: usize = 8;

/// Settings of webhooks and of what seals their secrets.
#[derive(Debug)]
pub(crate) struct Webhooks {
    /// Where they may be.
    pub(crate) reach: Reach,
    /// Where the sealing key is. `None`: beside the store.
    pub(crate) sealing_key_file: Option<PathBuf>,
    /// Where others are, which open what they have sealed.
    pub(crate) other_sealing_key_files: Vec<PathBuf>,
}

impl Webhooks {
    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Self> {
        let choices = [("true", true), ("false", false)];
        let allow_http = mistakes.take(values.required(&ALLOW_HTTP, |text| one_of(text, &choices)));
        let allowed = mistakes.take(values.networks(&ALLOWED_NETWORKS));
        let sealing_key_file = mistakes.take(values.optional(&KEY_FILE, parse_path));
        let others = mistakes.take(read_others(values));
        let reach = Reach { allow_http: allow_http?, allowed: allowed? };
        Some(Self { reach, sealing_key_file: sealing_key_file?, other_sealing_key_files: others? })
    }
}

fn read_others(values: &Values) -> Result<Vec<PathBuf>, Mistake> {
    let texts = values.texts(&OTHER_KEY_FILES);
    if texts.len() > OTHERS_MAX {
        return Err(values.wrong(&OTHER_KEY_FILES, format!("names more than {OTHERS_MAX} files")));
    }
    let paths = texts.iter().map(|text| parse_path(text));
    paths.collect::<Result<_, _>>().map_err(|problem| values.wrong(&OTHER_KEY_FILES, problem))
}

fn parse_path(text: &str) -> Result<PathBuf, String> {
    if text.ends_with('/') {
        return Err("names no file; write a path such as /var/lib/keyward/sealing-key".to_owned());
    }
    Ok(PathBuf::from(text))
}
