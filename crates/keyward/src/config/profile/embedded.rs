//! The profiles that are part of the binary.

const TEXTS: [(&str, &str); 6] = [
    ("default", include_str!("../../../../../profiles/default.toml")),
    ("cysmiq", include_str!("../../../../../profiles/cysmiq.toml")),
    ("cybrium", include_str!("../../../../../profiles/cybrium.toml")),
    ("cveium", include_str!("../../../../../profiles/cveium.toml")),
    ("cerby", include_str!("../../../../../profiles/cerby.toml")),
    ("cycloid", include_str!("../../../../../profiles/cycloid.toml")),
];

/// Their names.
pub(super) const NAMES: [&str; 6] = ["default", "cysmiq", "cybrium", "cveium", "cerby", "cycloid"];

/// The text of one.
pub(super) fn text(name: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
