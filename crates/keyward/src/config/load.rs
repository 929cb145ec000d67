//! Loading: flags before environment before file before defaults.

use std::path::{Path, PathBuf};

use keyward_core::profile::Profile;

use super::document::File;
use super::environment::Environment;
use super::file::{ConfigFile, Said};
use super::files::read_text;
use super::flags::Flags;
use super::mistake::{ConfigError, Mistake, Mistakes};
use super::origin::Origin;
use super::profile;
use super::setting::{ALL, PROFILE, Setting};
use super::settings::Settings;
use super::values::{Given, Raw, Values};

/// The file that is read where no flag names one, if it exists.
const FILE_DEFAULT: &str = "keyward.toml";
/// Longest configuration file: there are a few dozen settings.
const FILE_LEN_MAX: u64 = 256 * 1024;
/// Longest file with a secret.
const SECRET_LEN_MAX: u64 = 8 * 1024;

/// A configuration that can be used.
pub(crate) struct Loaded {
    /// What Keyward does.
    pub(crate) settings: Settings,
    /// How keys look and what they may do.
    pub(crate) profile: Profile,
    /// The configuration file that was read, if there was one.
    pub(crate) file: Option<PathBuf>,
    pub(super) values: Values,
}

impl Loaded {
    /// Whether somebody named this node.
    pub(crate) fn says_node(&self) -> bool {
        !matches!(self.values.origin(&super::data_plane::NODE), Origin::Default)
    }
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded")
            .field("settings", &self.settings)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// What a program finds around it. Tests bring their own.
pub(super) struct Surroundings {
    pub(super) environment: Environment,
    /// Where relative paths start.
    pub(super) folder: PathBuf,
}

/// Loads the configuration of this process. Every mistake is told, not only the first.
pub(crate) fn load(flags: &Flags) -> Result<Loaded, ConfigError> {
    let environment = Environment::new(std::env::vars_os());
    load_from(flags, &Surroundings { environment, folder: PathBuf::new() })
}

pub(super) fn load_from(flags: &Flags, around: &Surroundings) -> Result<Loaded, ConfigError> {
    let mut mistakes = Mistakes::default();
    let loaded = read(flags, around, &mut mistakes);
    mistakes.finish(loaded)
}

fn read(flags: &Flags, around: &Surroundings, mistakes: &mut Mistakes) -> Option<Loaded> {
    let path = file_path(flags, &around.folder);
    let text = path.as_ref().and_then(|path| {
        let read = read_text(&around.folder.join(path), FILE_LEN_MAX);
        mistakes.take(read.map_err(|problem| file_mistake(flags, path, &problem)))
    });
    if path.is_some() && text.is_none() {
        return None;
    }
    let name = path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let file = File { name: &name, text: text.as_ref().map_or("", |text| text.as_str()) };
    let document = mistakes.take(file.parse())?;
    let config_file = ConfigFile::new(file, &document);

    config_file.refuse_unknown(mistakes);
    around.environment.refuse_unknown(mistakes);
    let mut values = Values(Vec::new());
    for setting in ALL {
        let given = mistakes.take(winner(setting, flags, around, &config_file));
        values.0.push((setting, given.flatten()));
    }
    let settings = Settings::read(&values, mistakes);
    let profile = read_profile(&values, &around.folder, mistakes);
    let (settings, profile) = (settings?, profile?);
    if let Some(billing) = &settings.billing {
        mistakes.take(billing.check_plans(&values, &profile))?;
    }
    Some(Loaded { settings, profile, file: path, values })
}

fn file_path(flags: &Flags, folder: &Path) -> Option<PathBuf> {
    let unsaid = || Some(PathBuf::from(FILE_DEFAULT)).filter(|path| folder.join(path).exists());
    flags.config.clone().or_else(unsaid)
}

fn file_mistake(flags: &Flags, path: &Path, problem: &str) -> Mistake {
    let origin = if flags.config.is_some() { Origin::Flag("--config") } else { Origin::Default };
    Mistake::new(origin, path.display().to_string(), problem)
}

/// The value that wins for one setting, with where it came from.
fn winner(
    setting: &'static Setting,
    flags: &Flags,
    around: &Surroundings,
    file: &ConfigFile<'_>,
) -> Result<Option<Given>, Mistake> {
    if let Some((flag, text)) = setting.flag.and_then(|flag| Some((flag, flags.value(flag)?))) {
        return Ok(Some(Given { raw: Raw::from_text(setting, text), origin: Origin::Flag(flag) }));
    }
    if let Some(given) = from_environment(setting, around)? {
        return Ok(Some(given));
    }
    match file.said(setting)? {
        Some(Said::Value(given)) => return Ok(Some(given)),
        Some(Said::NamedFile(path, origin)) => {
            return secret_file(setting, &path, origin, &around.folder).map(Some);
        }
        None => {}
    }
    Ok(setting.default.map(|text| Given { raw: Raw::from_text(setting, text), origin: Origin::Default }))
}

fn from_environment(setting: &Setting, around: &Surroundings) -> Result<Option<Given>, Mistake> {
    let variable = setting.variable();
    let text = around.environment.text(setting, &variable)?;
    let path = match setting.file_variable() {
        Some(name) => around.environment.text(setting, &name)?.map(|path| (name, path)),
        None => None,
    };
    match (text, path) {
        (None, None) => Ok(None),
        (Some(_), Some((name, _))) => {
            let problem = format!("{variable} is set too; keep one of the two");
            Err(Mistake::new(Origin::Environment(name), setting.name, problem))
        }
        (Some(text), None) => {
            Ok(Some(Given { raw: Raw::from_text(setting, text), origin: Origin::Environment(variable) }))
        }
        (None, Some((name, path))) => {
            secret_file(setting, path, Origin::Environment(name), &around.folder).map(Some)
        }
    }
}

fn secret_file(setting: &Setting, path: &str, named_by: Origin, folder: &Path) -> Result<Given, Mistake> {
    let text = read_text(&folder.join(path), SECRET_LEN_MAX)
        .map_err(|problem| Mistake::new(named_by.clone(), setting.name, format!("{path}: {problem}")))?;
    // Editors and `echo` end a file with a line break that is no part of the secret.
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    let origin = Origin::SecretFile { path: path.to_owned(), named_by: Box::new(named_by) };
    Ok(Given { raw: Raw::from_text(setting, secret), origin })
}

fn read_profile(values: &Values, folder: &Path, mistakes: &mut Mistakes) -> Option<Profile> {
    let choice = mistakes.take(values.required(&PROFILE, |text| Ok(text.to_owned())))?;
    match profile::load(&choice, folder, &values.origin(&PROFILE)) {
        Ok(profile) => Some(profile),
        Err(error) => {
            mistakes.extend(error);
            None
        }
    }
}
