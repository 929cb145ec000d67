//! Which names an attack uses, and how it writes them.

use super::attack::Making;

impl Making<'_> {
    pub(super) fn pick_id(&mut self, theirs: &[String], own: &[String]) -> String {
        let theirs: Vec<&str> =
            if self.dice.one_in(4) { self.names.ids() } else { theirs.iter().map(String::as_str).collect() };
        self.pick(&theirs, own)
    }

    /// Of the workspace, of one's own, or of the workspace and not quite as it is.
    pub(super) fn pick(&mut self, theirs: &[&str], own: &[String]) -> String {
        match self.dice.below(10) {
            0..6 => self.name(theirs),
            6..9 => own[self.dice.below(own.len())].clone(),
            _ => {
                let text = theirs[self.dice.below(theirs.len())].to_owned();
                let twisted = self.twist(&text);
                self.named.push(twisted.clone());
                twisted
            }
        }
    }

    pub(super) fn name(&mut self, among: &[&str]) -> String {
        let name = among[self.dice.below(among.len())].to_owned();
        self.named.push(name.clone());
        name
    }

    pub(super) fn any_name(&mut self) -> String {
        let words: Vec<&str> = self.names.words.iter().map(String::as_str).collect();
        if self.dice.one_in(3) { self.name(&words) } else { self.any_reference() }
    }

    /// What refers to something: identifiers, the slug, addresses of people.
    pub(super) fn any_reference(&mut self) -> String {
        let (names, mut all) = (self.names, self.names.ids());
        let emails = names.emails();
        all.extend(emails.iter().map(String::as_str));
        all.extend([names.slug.as_str(); 8]);
        self.name(&all)
    }

    /// A text that some reader might take for the same: in an address.
    fn twist(&mut self, text: &str) -> String {
        match self.dice.below(9) {
            0 => text.to_uppercase(),
            1 => text[..text.len() - 1].to_owned(),
            2 => text.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat(),
            3 => format!("{text}%00"),
            4 => format!("{text}%20"),
            5 => format!("..%2f{text}"),
            6 => format!("{text};x"),
            7 => format!("{text}{text}"),
            _ => match text.split_once('_') {
                Some((_, body)) => format!("{}_{body}", self.dice.choose(&["key", "usr", "ws", "sa", "inv"])),
                None => format!("{text}."),
            },
        }
    }

    /// What a field of that name would refer to, or something else.
    pub(super) fn reference_for(&mut self, field: &str) -> String {
        let names = self.names;
        let of_its_kind = match field {
            "owner" | "user_id" => &names.people,
            "id" | "ids" => &names.keys,
            "service_account" => &names.service_accounts,
            "token" => &names.invitations,
            "email" => &names.emails(),
            _ => &vec![names.slug.clone()],
        };
        if self.dice.one_in(4) {
            return self.any_reference();
        }
        self.name(&of_its_kind.iter().map(String::as_str).collect::<Vec<_>>())
    }
}
