//! A real browser on the pages of a server: Debian's Chromium, driven through chromedriver (W3C `WebDriver`) by the words
//! that people read on the screen.
//!
//! What a page may never do fails each test that uses one, at its end: a violation of the page's own policy, an error on
//! the console, a request to another host, a part of a page that is not there.

mod driver;
mod page;
mod watch;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::driver::Session;
use crate::Keyward;
use crate::server::{OWNER_EMAIL, OWNER_PASSWORD};

/// How long something that a page is about to show may take on a busy machine.
const SHOWN_WITHIN: Duration = Duration::from_secs(10);
/// The pause before it is looked for again.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A window of a browser without cookies, on one server.
#[derive(Debug)]
pub struct Browser<'a> {
    keyward: &'a Keyward,
    /// `None` once it was given back.
    session: Option<Session>,
}

impl Keyward {
    /// A browser that nobody has used yet.
    #[track_caller]
    pub fn browser(&self) -> Browser<'_> {
        Browser { keyward: self, session: Some(driver::session()) }
    }

    /// A browser in which the owner is signed in.
    #[track_caller]
    pub fn owners_browser(&self) -> Browser<'_> {
        let browser = self.browser();
        browser.sign_in(OWNER_EMAIL, OWNER_PASSWORD);
        browser
    }

    /// The address of one of its pages.
    pub fn page(&self, path: &str) -> String {
        format!("http://{}{path}", self.control_addr())
    }
}

impl Browser<'_> {
    /// Opens a page of the server.
    #[track_caller]
    pub fn open(&self, path: &str) {
        self.visit(&self.keyward.page(path));
    }

    /// Opens any address.
    #[track_caller]
    pub fn visit(&self, address: &str) {
        self.session().post("url", &json!({ "url": address }));
    }

    /// Signs in on the page that asks for it.
    #[track_caller]
    pub fn sign_in(&self, email: &str, password: &str) {
        self.open("/signin");
        self.fill("E-mail address", email);
        self.fill("Password", password);
        self.click("Sign in");
        self.sees("Sign out");
    }

    #[track_caller]
    pub fn back(&self) {
        self.session().post("back", &json!({}));
    }

    #[track_caller]
    pub fn forward(&self) {
        self.session().post("forward", &json!({}));
    }

    #[track_caller]
    pub fn refresh(&self) {
        self.session().post("refresh", &json!({}));
    }

    /// The path and query of the page.
    #[track_caller]
    pub fn path(&self) -> String {
        self.run("return location.pathname + location.search", &[]).as_str().expect("a path").to_owned()
    }

    /// The whole address of the page.
    #[track_caller]
    pub fn address(&self) -> String {
        self.session().get("url").as_str().expect("an address").to_owned()
    }

    /// Runs a script in the page and gives what it returns.
    #[track_caller]
    pub fn run(&self, script: &str, args: &[Value]) -> Value {
        self.session().post("execute/sync", &json!({"script": script, "args": args}))
    }

    /// As [`Self::run`], of a script that calls its last argument when it is done.
    #[track_caller]
    pub fn run_async(&self, script: &str, args: &[Value]) -> Value {
        self.session().post("execute/async", &json!({"script": script, "args": args}))
    }

    /// A command of the `DevTools` protocol.
    #[track_caller]
    pub fn devtools(&self, command: &str, params: &Value) -> Value {
        self.session().devtools(command, params)
    }

    /// Types into whatever has the focus. Keys without a letter are those of `WebDriver`: see [`crate::keys`].
    #[track_caller]
    pub fn press(&self, keys: &str) {
        self.session().type_keys(keys);
    }

    /// The window's width and height.
    #[track_caller]
    pub fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Light or dark, as the system of whoever looks has it.
    #[track_caller]
    pub fn prefers(&self, scheme: &str) {
        // Nothing moves from one colour to the other: what is looked at next has its own.
        let features = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.devtools("Emulation.setEmulatedMedia", &features);
    }

    /// Scripts run, or do not, from the next page on.
    #[track_caller]
    pub fn scripts(&self, run: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", &json!({ "value": !run }));
    }

    /// A cookie by its name, as the browser keeps it.
    #[track_caller]
    pub fn cookie(&self, name: &str) -> Option<Value> {
        let cookies = self.devtools("Network.getAllCookies", &json!({}));
        let cookies = cookies["cookies"].as_array().expect("cookies").clone();
        cookies.into_iter().find(|cookie| cookie["name"] == name)
    }

    /// A picture of the whole page, as PNG.
    #[track_caller]
    pub fn picture(&self) -> Vec<u8> {
        self.picture_as(&json!({"format": "png"}))
    }

    /// The same as WebP, a third as large: for pages that others load.
    #[track_caller]
    pub fn small_picture(&self) -> Vec<u8> {
        self.picture_as(&json!({"format": "webp", "quality": 75}))
    }

    #[track_caller]
    fn picture_as(&self, format: &Value) -> Vec<u8> {
        use base64::Engine as _;
        let size = &self.devtools("Page.getLayoutMetrics", &json!({}))["cssContentSize"];
        let clip = json!({"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1});
        let mut whole = json!({"captureBeyondViewport": true, "clip": clip});
        whole.as_object_mut().expect("an object").extend(format.as_object().expect("an object").clone());
        let shot = self.devtools("Page.captureScreenshot", &whole);
        let data = shot["data"].as_str().expect("a picture");
        base64::engine::general_purpose::STANDARD.decode(data).expect("base64")
    }

    /// What was wrong with the pages so far. Whoever takes it looks at it: it fails the test no more.
    #[track_caller]
    pub fn take_complaints(&self) -> Vec<String> {
        watch::complaints(self.session(), &self.keyward.control_addr().to_string())
    }

    fn session(&self) -> &Session {
        self.session.as_ref().expect("a session that was not given back")
    }

    /// Looks until it is there.
    #[track_caller]
    fn eventually<T>(&self, what: &str, look: impl Fn() -> Result<T, String>) -> T {
        let until = Instant::now() + SHOWN_WITHIN;
        loop {
            match look() {
                Ok(found) => return found,
                Err(why) if Instant::now() >= until => panic!("{what}: {why}\n{}", self.description()),
                Err(_) => std::thread::sleep(LOOK_EVERY),
            }
        }
    }

    /// What is on the screen, for whoever reads of a failure.
    fn description(&self) -> String {
        let title = self.session().try_get("title").unwrap_or_default();
        let address = self.session().try_get("url").unwrap_or_default();
        format!("on {address} ({title}):\n{}", self.text())
    }
}

impl Drop for Browser<'_> {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        if std::thread::panicking() {
            // Whatever state it is in, nobody else gets it.
            session.end();
            return;
        }
        let complaints = watch::complaints(&session, &self.keyward.control_addr().to_string());
        driver::give_back(session);
        assert!(complaints.is_empty(), "the pages did what they may not:\n{}", complaints.join("\n"));
    }
}
