//! A real browser, headless, driven over the W3C WebDriver protocol by its own driver (Debian: chromium, chromium-driver).

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

use base64::Engine as _;
use serde_json::{Value, json};

use super::http;

/// The key that WebDriver's own standard names elements by.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
pub const ENTER: &str = "\u{e007}";
pub const TAB: &str = "\u{e004}";

/// One browser with an empty profile. Ends with the test.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts one.
    ///
    /// # Panics
    /// When this machine has none: what was not run is not green.
    pub fn start() -> Self {
        let profile = tempfile::tempdir().expect("a folder");
        let started = Command::new("chromedriver")
            .arg("--port=0")
            .env("HOME", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut driver = started.unwrap_or_else(|error| {
            panic!(
                "the pages were not looked at: chromedriver does not start ({error}). `cargo xtask clients` installs it \
                 where it may; elsewhere: apt-get install chromium chromium-driver"
            )
        });
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        // Whatever the driver prints later is read, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        let address = SocketAddr::from(([127, 0, 0, 1], port.expect("the driver says its port")));
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--window-size=1440,1000",
        ];
        let options = json!({ "args": arguments });
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } } } });
        let mut browser = Self { driver, address, session: String::new(), _profile: profile };
        let session = browser.call("POST", "/session", &wanted);
        browser.session = session["sessionId"].as_str().expect("a session").to_owned();
        browser
    }

    pub fn go(&self, url: &str) {
        self.post("url", &json!({ "url": url }));
    }

    pub fn url(&self) -> String {
        self.get("url").as_str().unwrap().to_owned()
    }

    pub fn title(&self) -> String {
        self.get("title").as_str().unwrap().to_owned()
    }

    pub fn source(&self) -> String {
        self.get("source").as_str().unwrap().to_owned()
    }

    /// What a person sees of the element.
    pub fn text(&self, css: &str) -> String {
        self.get(&format!("element/{}/text", self.find(css))).as_str().unwrap().to_owned()
    }

    /// Waits until the element says this: a page that was asked for comes in its own time, and until then the old one is
    /// there, or none.
    #[track_caller]
    pub fn wait_for(&self, css: &str, wanted: &str) {
        super::eventually(|| {
            let query = json!({ "using": "css selector", "value": css });
            let found = self.try_call("POST", &format!("/session/{}/element", self.session), &query).ok()?;
            let path = format!("/session/{}/element/{}/text", self.session, found[ELEMENT].as_str()?);
            let text = self.try_call("GET", &path, &Value::Null).ok()?;
            text.as_str().is_some_and(|text| text.contains(wanted)).then_some(())
        });
    }

    /// How many elements there are.
    pub fn count(&self, css: &str) -> usize {
        self.post("elements", &json!({ "using": "css selector", "value": css })).as_array().unwrap().len()
    }

    pub fn click(&self, css: &str) {
        self.post(&format!("element/{}/click", self.find(css)), &json!({}));
    }

    pub fn write(&self, css: &str, text: &str) {
        let element = self.find(css);
        self.post(&format!("element/{element}/clear"), &json!({}));
        self.post(&format!("element/{element}/value"), &json!({ "text": text }));
    }

    /// Presses keys where the keyboard's focus is.
    pub fn press(&self, keys: &str) {
        let focus = self.get("element/active");
        let element = focus[ELEMENT].as_str().unwrap().to_owned();
        self.post(&format!("element/{element}/value"), &json!({ "text": keys }));
    }

    /// What has the keyboard's focus says.
    pub fn focused(&self) -> String {
        let focus = self.get("element/active");
        let element = focus[ELEMENT].as_str().unwrap().to_owned();
        self.get(&format!("element/{element}/text")).as_str().unwrap().to_owned()
    }

    /// The name that a screen reader says.
    pub fn label(&self, css: &str) -> String {
        self.get(&format!("element/{}/computedlabel", self.find(css))).as_str().unwrap().to_owned()
    }

    /// Light or dark, as the system is set.
    pub fn scheme(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        let command = json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": features } });
        self.post("goog/cdp/execute", &command);
    }

    /// A computed colour, for telling light from dark.
    pub fn style(&self, css: &str, property: &str) -> String {
        self.get(&format!("element/{}/css/{property}", self.find(css))).as_str().unwrap().to_owned()
    }

    /// What the browser itself complained of: scripts, styles and resources that the page's policy refused, among others.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.post("se/log", &json!({ "type": "browser" }));
        let grave =
            log.as_array().unwrap().iter().filter(|line| line["level"] == "SEVERE" || line["level"] == "WARNING");
        let lines = grave.map(|line| line["message"].as_str().unwrap().to_owned());
        lines.filter(|line| !line.contains("favicon")).collect()
    }

    /// Keeps a picture of the page when a folder for them is named, for people to look at.
    pub fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("BULKHEAD_SCREENSHOTS") else { return };
        let picture = self.get("screenshot");
        let bytes = base64::engine::general_purpose::STANDARD.decode(picture.as_str().unwrap()).unwrap();
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }

    fn find(&self, css: &str) -> String {
        let found = self.post("element", &json!({ "using": "css selector", "value": css }));
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("no {css} on {}", self.url())).to_owned()
    }

    fn get(&self, path: &str) -> Value {
        self.call("GET", &format!("/session/{}/{path}", self.session), &Value::Null)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.call("POST", &format!("/session/{}/{path}", self.session), body)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_call(method, path, body).unwrap_or_else(|why| panic!("{method} {path} {body}: {why}"))
    }

    fn try_call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("content-type", "application/json; charset=utf-8")];
        let reply = http::exchange(self.address, method, path, &headers, &body);
        let value = reply.json()["value"].clone();
        if reply.status == 200 { Ok(value) } else { Err(format!("{value:#}")) }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends its browser; without it the browser ends with the driver. Nothing here may fail: a test that
        // already did would then say nothing.
        if let Ok(mut stream) = std::net::TcpStream::connect(self.address) {
            use std::io::{Read as _, Write as _};
            let request = format!("DELETE /session/{} HTTP/1.1\r\nhost: {}\r\n\r\n", self.session, self.address);
            drop(stream.write_all(request.as_bytes()));
            drop(stream.read(&mut [0; 512]));
        }
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}
