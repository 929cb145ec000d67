//! What people do on a page, by the words that they read there.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Browser, LOOK_EVERY};

/// Finds things by their words: in the dialog that is open, else on the whole page.
const WORDS: &str = include_str!("words.js");
/// How long a page that a click leaves may stand. One that leads to a file stands on.
const LEFT_WITHIN: Duration = Duration::from_secs(5);
/// How `WebDriver` names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

impl Browser<'_> {
    /// Clicks the link, button or summary of those words.
    #[track_caller]
    pub fn click(&self, words: &str) {
        self.act("button", words, None, |element| self.click_on(element));
    }

    /// The same, in the row of a table, or another part, in which that text stands.
    #[track_caller]
    pub fn click_in(&self, part: &str, words: &str) {
        self.act("button", words, Some(part), |element| self.click_on(element));
    }

    /// Clicks what that selector finds, where the words differ from product to product.
    #[track_caller]
    pub fn click_at(&self, selector: &str) {
        self.act("selector", selector, None, |element| self.click_on(element));
    }

    /// Writes into the field of that label, over what stands there.
    #[track_caller]
    pub fn fill(&self, label: &str, text: &str) {
        self.act("field", label, None, |element| {
            self.session().try_post(&format!("element/{element}/clear"), &json!({}))?;
            self.session().try_post(&format!("element/{element}/value"), &json!({ "text": text }))
        });
    }

    /// Gives a date field a day, as its picker does.
    #[track_caller]
    pub fn fill_day(&self, label: &str, day: &str) {
        let script = format!(
            "{WORDS}\nconst field = one('field', arguments[0]); field.value = arguments[1]; field.dispatchEvent(new Event('change', {{ bubbles: true }}));"
        );
        self.run(&script, &[json!(label), json!(day)]);
    }

    /// Chooses from the menu of that label.
    #[track_caller]
    pub fn choose(&self, label: &str, option: &str) {
        let id = self.find("field", label, None);
        let script = format!("{WORDS}\nreturn option(arguments[0], arguments[1]);");
        let found = self.run(&script, &[json!({ ELEMENT: id }), json!(option)]);
        let element = found[ELEMENT]
            .as_str()
            .unwrap_or_else(|| panic!("no option {option:?}: {found}\n{}", self.description()));
        let clicked = self.click_on(element);
        assert!(clicked.is_ok(), "{option:?} of {label:?}: {clicked:?}");
    }

    /// Ticks the box of that label, if it is not ticked.
    #[track_caller]
    pub fn tick(&self, label: &str) {
        if !self.is_ticked(label) {
            self.act("field", label, None, |element| self.click_on(element));
        }
        assert!(self.is_ticked(label), "{label:?} cannot be ticked\n{}", self.description());
    }

    #[track_caller]
    pub fn untick(&self, label: &str) {
        if self.is_ticked(label) {
            self.act("field", label, None, |element| self.click_on(element));
        }
        assert!(!self.is_ticked(label), "{label:?} stays ticked\n{}", self.description());
    }

    #[track_caller]
    pub fn is_ticked(&self, label: &str) -> bool {
        self.of_field(label, "field.checked") == true
    }

    /// What stands in the field of that label.
    #[track_caller]
    pub fn value(&self, label: &str) -> String {
        self.of_field(label, "field.value").as_str().expect("a value").to_owned()
    }

    /// The choices of the menu of that label.
    #[track_caller]
    pub fn options(&self, label: &str) -> Vec<String> {
        let options = self.of_field(label, "[...field.options].map((one) => tidy(one.textContent))");
        options
            .as_array()
            .expect("options")
            .iter()
            .map(|one| one.as_str().expect("words").to_owned())
            .collect()
    }

    /// The choice of the menu of that label.
    #[track_caller]
    pub fn chosen(&self, label: &str) -> String {
        let words = self.of_field(label, "tidy(field.selectedOptions[0].textContent)");
        words.as_str().expect("words").to_owned()
    }

    /// Whether the field of that label takes nothing.
    #[track_caller]
    pub fn is_disabled(&self, label: &str) -> bool {
        self.of_field(label, "field.disabled") == true
    }

    /// Whether the button of those words does nothing.
    #[track_caller]
    pub fn is_button_disabled(&self, words: &str) -> bool {
        let script = format!("{WORDS}\nreturn one('button', arguments[0]).disabled === true;");
        self.run(&script, &[json!(words)]) == true
    }

    /// Whether there is a link, button or summary of those words.
    #[track_caller]
    pub fn offers(&self, words: &str) -> bool {
        self.run(&format!("{WORDS}\nreturn all('button', arguments[0]).length > 0;"), &[json!(words)]) == true
    }

    /// Whether there is a field of that label.
    #[track_caller]
    pub fn asks_for(&self, label: &str) -> bool {
        self.run(&format!("{WORDS}\nreturn all('field', arguments[0]).length > 0;"), &[json!(label)]) == true
    }

    /// Waits until that text is on the screen.
    #[track_caller]
    pub fn sees(&self, text: &str) {
        self.eventually(&format!("{text:?} is not to be seen"), || {
            if self.text().contains(text) { Ok(()) } else { Err(String::new()) }
        });
    }

    /// Asserts that the text is not on the screen.
    #[track_caller]
    pub fn does_not_see(&self, text: &str) {
        assert!(!self.text().contains(text), "{text:?} is to be seen\n{}", self.description());
    }

    /// Waits until the dialog of that heading is open, or closed.
    #[track_caller]
    pub fn sees_dialog(&self, heading: &str) {
        self.eventually(&format!("no dialog {heading:?}"), || match self.dialog() {
            Some(found) if found == heading => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }

    /// The heading of the dialog that is open.
    #[track_caller]
    pub fn dialog(&self) -> Option<String> {
        let script = format!("{WORDS}\nreturn dialog() && tidy(dialog().querySelector('h2').innerText);");
        self.run(&script, &[]).as_str().map(ToOwned::to_owned)
    }

    /// All that is to be read on the screen.
    pub fn text(&self) -> String {
        let script = format!("{WORDS}\nreturn shown();");
        self.session()
            .try_post("execute/sync", &json!({"script": script, "args": []}))
            .map_or_else(|error| error, |text| text.as_str().unwrap_or_default().to_owned())
    }

    /// The page as the server wrote it and scripts have left it.
    #[track_caller]
    pub fn source(&self) -> String {
        self.session().get("source").as_str().expect("a source").to_owned()
    }

    /// What stands in the row of that name, under that heading.
    #[track_caller]
    pub fn cell(&self, row: &str, column: &str) -> String {
        let script = format!("{WORDS}\nreturn cell(arguments[0], arguments[1]);");
        self.eventually(&format!("no {column:?} of {row:?}"), || {
            let found = self.run(&script, &[json!(row), json!(column)]);
            found.as_str().map(ToOwned::to_owned).ok_or_else(|| found.to_string())
        })
    }

    /// The names of the rows, from above.
    #[track_caller]
    pub fn rows(&self) -> Vec<String> {
        let script = format!("{WORDS}\nreturn rowNames();");
        let names = self.run(&script, &[]);
        names
            .as_array()
            .expect("names")
            .iter()
            .map(|name| name.as_str().expect("a name").to_owned())
            .collect()
    }

    /// What is wanted of a field. A page that changes meanwhile takes it away: it is looked for again.
    #[track_caller]
    fn of_field(&self, label: &str, wanted: &str) -> Value {
        let find = format!("{WORDS}\nreturn found(arguments[0], arguments[1], arguments[2]);");
        let read = format!("{WORDS}\nconst field = arguments[0]; return {wanted};");
        self.eventually(&format!("no single field {label:?}"), || {
            let found = self.run(&find, &[json!("field"), json!(label), Value::Null]);
            let field = found[ELEMENT].as_str().ok_or_else(|| found.to_string())?;
            let asked = json!({"script": read, "args": [{ ELEMENT: field }]});
            self.session().try_post("execute/sync", &asked)
        })
    }

    #[track_caller]
    fn find(&self, kind: &str, words: &str, part: Option<&str>) -> String {
        let script = format!("{WORDS}\nreturn found(arguments[0], arguments[1], arguments[2]);");
        self.eventually(&format!("no single {kind} {words:?}"), || {
            let found = self.run(&script, &[json!(kind), json!(words), json!(part)]);
            found[ELEMENT].as_str().map(ToOwned::to_owned).ok_or_else(|| found.to_string())
        })
    }

    /// Does something with a thing. A page that changes meanwhile takes it away: it is looked for again.
    #[track_caller]
    fn act(&self, kind: &str, words: &str, part: Option<&str>, deed: impl Fn(&str) -> Result<Value, String>) {
        let script = format!("{WORDS}\nreturn found(arguments[0], arguments[1], arguments[2]);");
        self.eventually(&format!("{kind} {words:?}"), || {
            let found = self.run(&script, &[json!(kind), json!(words), json!(part)]);
            let element = found[ELEMENT].as_str().ok_or_else(|| found.to_string())?;
            deed(element).map(drop)
        });
    }

    /// Clicks, and waits until the page has gone where that leads to another: what is read next is of that one.
    fn click_on(&self, element: &str) -> Result<Value, String> {
        let clicked = self.session().try_post(&format!("element/{element}/click"), &json!({}))?;
        let until = Instant::now() + LEFT_WITHIN;
        let asked = json!({"script": "return window.isLeaving === true", "args": []});
        // An error is of a page that goes at this moment.
        while self.session().try_post("execute/sync", &asked).is_ok_and(|is_leaving| is_leaving == true)
            && Instant::now() < until
        {
            std::thread::sleep(LOOK_EVERY / 5);
        }
        Ok(clicked)
    }
}
