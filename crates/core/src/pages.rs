//! How the console speaks of keys in one product, and how it makes them.

/// How the form for a new key is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateForm {
    /// On pages of its own, step by step.
    Steps,
    /// In a dialog over the list.
    Dialog,
    /// Above the list.
    AboveList,
}

/// Words and forms of the console, where products differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pages {
    /// How the form for a new key is shown.
    pub create: CreateForm,
    /// The button that begins a new key.
    pub create_word: Box<str>,
    /// The button that makes it.
    pub submit_word: Box<str>,
    /// The heading of a workspace's settings.
    pub settings_heading: Box<str>,
    /// The heading of a list of keys, and its tab.
    pub keys_word: Box<str>,
    /// The tab of a person's own keys.
    pub own_keys_tab: Box<str>,
    /// The label of a key's name.
    pub name_label: Box<str>,
    /// The label of a key's expiry.
    pub expiry_label: Box<str>,
    /// The heading above a key's scopes.
    pub scopes_label: Box<str>,
    /// The heading above a new secret.
    pub secret_heading: Box<str>,
    /// The button that ends a key.
    pub revoke_word: Box<str>,
    /// The heading above what a key may do.
    pub permissions_heading: Box<str>,
    /// Whether a new secret is hidden until somebody asks to see it.
    pub masked: bool,
    /// Whether somebody must say that they have stored a new secret before they go on.
    pub confirm_stored: bool,
    /// Whether each scope has a field that narrows it to single resources.
    pub narrow: bool,
}

impl Default for Pages {
    fn default() -> Self {
        Self {
            create: CreateForm::Steps,
            create_word: "Create API key".into(),
            submit_word: "Create API key".into(),
            settings_heading: "Settings".into(),
            keys_word: "API keys".into(),
            own_keys_tab: "Your API keys".into(),
            name_label: "Name".into(),
            expiry_label: "Expires".into(),
            scopes_label: "Scopes".into(),
            secret_heading: "Store your API key".into(),
            revoke_word: "Revoke".into(),
            permissions_heading: "Permissions".into(),
            masked: true,
            confirm_stored: true,
            narrow: false,
        }
    }
}
