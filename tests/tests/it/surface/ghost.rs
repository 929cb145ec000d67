//! What does not exist, in the shape of what does: an answer about the one must look like an answer about the other.

use keyward_tests::Dice;

use super::Targets;

/// Letters and digits of identifiers: Crockford's base 32.
const LETTERS: &[u8] = b"abcdefghjkmnpqrstvwxyz";
const DIGITS: &[u8] = b"0123456789";

/// A text of the same length and shape. Of an identifier the prefix stays, with the first character behind it, which
/// not every letter can be.
pub(crate) fn like(text: &str, dice: &mut Dice) -> String {
    let fixed = text.find('_').map_or(0, |at| at + 2);
    let mut haunt = |letter: char| match letter {
        'a'..='z' => char::from(LETTERS[dice.below(LETTERS.len())]),
        'A'..='Z' => char::from(LETTERS[dice.below(LETTERS.len())].to_ascii_uppercase()),
        '0'..='9' => char::from(DIGITS[dice.below(DIGITS.len())]),
        other => other,
    };
    text.chars().enumerate().map(|(at, letter)| if at < fixed { letter } else { haunt(letter) }).collect()
}

impl Targets {
    /// Things of the same shape that are not there. Scope, role and plan stay: they are the profile's.
    pub(crate) fn ghosts(&self, dice: &mut Dice) -> Self {
        let mut like = |text: &str| like(text, dice);
        Self {
            slug: like(&self.slug),
            key: like(&self.key),
            personal_key: like(&self.personal_key),
            member: like(&self.member),
            own_role: like(&self.own_role),
            service_account: like(&self.service_account),
            session: like(&self.session),
            invitation: like(&self.invitation),
            vault: like(&self.vault),
            vault_secret: like(&self.vault_secret),
            ..self.clone()
        }
    }
}

#[test]
fn a_ghost_has_the_shape_of_what_is_there() {
    let mut dice = Dice::new(1);
    let (id, slug) = ("key_01jd0abcdefghjkmnpqrstvwx0", "ws-7-a0b1c2");
    let ghost = like(id, &mut dice);
    assert!(ghost.starts_with("key_0") && ghost.len() == id.len() && ghost != id, "{ghost}");
    let ghost = like(slug, &mut dice);
    assert!(ghost.chars().nth(2) == Some('-') && ghost.len() == slug.len() && ghost != slug, "{ghost}");
}
