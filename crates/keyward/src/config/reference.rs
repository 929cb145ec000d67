//! The reference of all settings, in Markdown.

use std::fmt::Write as _;

use super::setting::{ALL, Setting, Shape};

const INTRODUCTION: &str = "\
# Configuration

<!-- Generated from the table of settings in the code; do not edit. -->

A setting is taken from the first of these that has it:

1. a flag of the command line,
2. a variable of the environment,
3. the configuration file: `--config FILE`, else `keyward.toml` in the working directory, if there is one,
4. its default.

A secret may also be in a file of its own: `…_FILE` in the environment, `…_file` in the configuration file. One line
break at its end is no part of it. Lists are arrays in the file and are separated by commas in the environment. Tables
are `name=value` there, separated by commas as well. Relative paths start in the working directory. A name that is no
setting is an error, in the file and in the environment.

`keyward config check` tells every mistake with its place. `keyward config show` shows each value and where it came
from; secrets are never shown.
";

const CLOSING: &str = "
## A file

```toml
profile = \"cveium\"
log = \"info\"

[server]
listen = \"0.0.0.0:8080\"
public_url = \"https://keys.example.com\"
trusted_proxies = [\"10.0.0.0/8\"]

[data_plane]
listen = \"10.0.0.5:8081\"

[store]
url = \"sqlite:/var/lib/keyward/keyward.sqlite\"

[operator]
token_file = \"/run/secrets/keyward-operator-token\"

[billing]
stripe_webhook_secret_file = \"/run/secrets/keyward-stripe-webhook-secret\"
```
";

/// The whole page.
pub(crate) fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut section = None;
    for setting in ALL {
        if section != Some(setting.section()) {
            section = Some(setting.section());
            page.push_str(&heading(setting.section()));
        }
        page.push_str(&entry(setting));
    }
    page.push_str(CLOSING);
    page
}

fn heading(section: &str) -> String {
    let title = if section.is_empty() { "At the top".to_owned() } else { format!("`[{section}]`") };
    format!("\n## {title}\n")
}

fn entry(setting: &Setting) -> String {
    let mut text = format!("\n### `{}`\n\n{}\n\n", setting.name, setting.meaning);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "- Takes: {}", setting.takes);
    let _ = writeln!(
        text,
        "- Default: {}",
        setting.default.map_or("none".to_owned(), |text| format!("`{text}`"))
    );
    let file = setting.file_variable().map_or_else(String::new, |name| format!(", or `{name}`"));
    let _ = writeln!(text, "- Environment: `{}`{file}", setting.variable());
    if let Some(flag) = setting.flag {
        let _ = writeln!(text, "- Flag: `{flag}`");
    }
    let kind = match setting.shape {
        Shape::Text => "text",
        Shape::Plain => "number, `true` or `false`; with quotes or without",
        Shape::List => "list of texts",
        Shape::Map => "table of texts",
        Shape::Secret => "secret",
        Shape::Address => "address",
    };
    let _ = writeln!(text, "- Type: {kind}");
    text
}
