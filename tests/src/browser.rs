//! A headless Chromium with a fresh profile, ended when it is dropped.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::devtools::Connection;

/// For everything that is not a computation of the page.
const QUICK: Duration = Duration::from_secs(60);

const ALWAYS: [&str; 11] = [
    "--headless=new",
    // Not the language of whoever runs the tests.
    "--accept-lang=en-US",
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--remote-debugging-pipe",
    "--window-size=1100,900",
];

const SOFTWARE_WEBGPU: [&str; 2] = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/// What graphics the browser offers to pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Graphics {
    /// WebGPU, computed in software.
    WebGpu,
    /// What a machine without a usable graphics card has.
    None,
}

/// A running browser with one tab.
pub struct Browser {
    process: Child,
    connection: Connection,
    session: String,
    profile: TempDir,
}

impl Browser {
    /// Starts a browser with an empty tab.
    pub fn start(graphics: Graphics) -> Result<Self> {
        Self::start_with(graphics, &[])
    }

    /// Starts a browser with an empty tab and more flags.
    pub fn start_with(graphics: Graphics, flags: &[&str]) -> Result<Self> {
        let program = xtask::tools::find_browser()?;
        let profile = tempfile::tempdir().context("cannot create a browser profile")?;
        let log = profile.path().join("browser.log");
        let mut process = command(&program, graphics, profile.path(), flags)
            .stderr(File::create(&log)?)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        match connect(&mut process) {
            Ok((connection, session)) => Ok(Self {
                process,
                connection,
                session,
                profile,
            }),
            Err(error) => {
                end(&mut process);
                Err(error.context(format!(
                    "{} does not start; it says:\n{}",
                    program.display(),
                    fs::read_to_string(log).unwrap_or_default()
                )))
            }
        }
    }

    /// A folder that vanishes with the browser.
    pub fn scratch(&self) -> &Path {
        self.profile.path()
    }

    /// Calls a method of the tab.
    pub fn call(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.connection
            .call(Some(&self.session), method, parameters, QUICK)
    }

    /// Calls a browser-wide method.
    pub fn call_browser(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.connection.call(None, method, parameters, QUICK)
    }

    /// Loads an address and waits for the page's own `load` event.
    pub fn go_to(&mut self, url: &str) -> Result<()> {
        let answer = self.call("Page.navigate", json!({ "url": url }))?;
        if let Some(error) = answer["errorText"].as_str() {
            bail!("cannot open {url}: {error}");
        }
        // A page may change its own address at once; where it came from stays in its timing.
        let loaded = format!(
            "document.readyState === 'complete' && [location.href, performance.getEntriesByType('navigation')[0]?.name]
               .some((address) => address?.split('#')[0] === {}.split('#')[0])",
            json!(url)
        );
        self.wait_until(&loaded, QUICK)
            .with_context(|| format!("{url} does not finish loading"))
    }

    /// The value of a JavaScript expression; a promise is awaited.
    pub fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let parameters = json!({
            "expression": expression,
            "awaitPromise": true,
            "returnByValue": true,
            "userGesture": true,
        });
        let answer = self.call("Runtime.evaluate", parameters)?;
        if let Some(exception) = answer.get("exceptionDetails") {
            let text = exception["exception"]["description"].as_str();
            bail!("`{expression}` threw {}", text.unwrap_or("an exception"));
        }
        Ok(answer["result"]["value"].clone())
    }

    /// Waits until an expression is true.
    pub fn wait_until(&mut self, expression: &str, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            // A page that is just being replaced has nowhere to evaluate in.
            if self.evaluate(expression).is_ok_and(|value| value == true) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("`{expression}` did not come true in {limit:?}");
            }
            sleep(Duration::from_millis(50));
        }
    }

    /// Chooses a file in a file input, as a person would.
    pub fn choose_file(&mut self, selector: &str, file: &Path) -> Result<()> {
        self.choose_files(selector, &[file])
    }

    /// Chooses several files in a file input.
    pub fn choose_files(&mut self, selector: &str, files: &[impl AsRef<Path>]) -> Result<()> {
        let files: Vec<_> = files.iter().map(AsRef::as_ref).collect();
        let expression = format!("document.querySelector({})", json!(selector));
        let found = self.call("Runtime.evaluate", json!({ "expression": expression }))?;
        let object = found["result"]["objectId"].clone();
        if object.is_null() {
            bail!("the page has no {selector}");
        }
        let parameters = json!({ "files": files, "objectId": object });
        self.call("DOM.setFileInputFiles", parameters).map(drop)
    }

    /// Lets pages do what a person would be asked for, such as `clipboardReadWrite`.
    pub fn grant(&mut self, permissions: &[&str]) -> Result<()> {
        // A window that nobody looks at has no clipboard.
        self.call(
            "Emulation.setFocusEmulationEnabled",
            json!({ "enabled": true }),
        )?;
        let parameters = json!({ "permissions": permissions });
        self.call_browser("Browser.grantPermissions", parameters)
            .map(drop)
    }

    /// Takes the network away, or gives it back; service workers keep answering.
    pub fn set_offline(&mut self, offline: bool) -> Result<()> {
        self.call("Network.enable", json!({}))?;
        let conditions = json!({ "offline": offline, "latency": 0,
            "downloadThroughput": -1, "uploadThroughput": -1 });
        self.call("Network.emulateNetworkConditions", conditions)
            .map(drop)
    }

    /// How many workers of pages are running.
    pub fn workers(&mut self) -> Result<usize> {
        let everything = json!({ "filter": [{}] });
        let targets = self.call_browser("Target.getTargets", everything)?;
        let targets = targets["targetInfos"].as_array().into_iter().flatten();
        Ok(targets.filter(|target| target["type"] == "worker").count())
    }

    /// Waits until so many workers of pages are running: one that is ended takes its time.
    pub fn wait_for_workers(&mut self, count: usize) -> Result<()> {
        let deadline = Instant::now() + QUICK;
        loop {
            let now = self.workers()?;
            if now == count {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{now} workers, not {count}");
            sleep(Duration::from_millis(50));
        }
    }

    /// The value of an expression in the page's worker; a promise is awaited.
    pub fn evaluate_in_worker(&mut self, expression: &str) -> Result<Value> {
        let attach =
            json!({ "autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true });
        self.call("Target.setAutoAttach", attach)?;
        let mut attached = self.connection.events().iter().rev();
        let worker = attached.find(|event| {
            event["method"] == "Target.attachedToTarget"
                && event["params"]["targetInfo"]["type"] == "worker"
        });
        let worker = worker.context("no worker is running")?;
        let session = worker["params"]["sessionId"].as_str().map(str::to_owned);
        let parameters =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer =
            self.connection
                .call(session.as_deref(), "Runtime.evaluate", parameters, QUICK)?;
        ensure!(answer.get("exceptionDetails").is_none(), "{answer}");
        Ok(answer["result"]["value"].clone())
    }

    /// Sets what media queries say, such as `prefers-color-scheme` or `forced-colors`.
    pub fn set_media(&mut self, features: &[(&str, &str)]) -> Result<()> {
        let feature = |(name, value): &(&str, &str)| json!({ "name": name, "value": value });
        let features: Vec<_> = features.iter().map(feature).collect();
        let features = json!({ "features": features });
        self.call("Emulation.setEmulatedMedia", features).map(drop)
    }

    /// Gives the window another size, and a finger in place of the mouse where it is a phone's.
    pub fn set_window(&mut self, width: u32, height: u32, is_phone: bool) -> Result<()> {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1,
            "mobile": is_phone });
        self.call("Emulation.setDeviceMetricsOverride", metrics)?;
        let touch = json!({ "enabled": is_phone });
        self.call("Emulation.setTouchEmulationEnabled", touch)
            .map(drop)
    }

    /// Moves the mouse, with no button pressed.
    pub fn move_mouse(&mut self, (x, y): (f64, f64)) -> Result<()> {
        let event = json!({ "type": "mouseMoved", "x": x, "y": y });
        self.call("Input.dispatchMouseEvent", event).map(drop)
    }

    /// Puts a finger down and lifts it.
    pub fn tap(&mut self, point: (f64, f64)) -> Result<()> {
        self.draw_line_by_touch(&[point])
    }

    /// Draws a line from point to point, as with a `mouse` or a `pen`.
    pub fn draw_line(&mut self, pointer: &str, points: &[(f64, f64)]) -> Result<()> {
        let mut send = |kind: &str, (x, y): (f64, f64), buttons: u32| {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left",
                "buttons": buttons, "clickCount": 1, "pointerType": pointer });
            self.call("Input.dispatchMouseEvent", event).map(drop)
        };
        let (first, last) = (points.first(), points.last());
        let (first, last) = first.zip(last).context("a line has points")?;
        send("mousePressed", *first, 1)?;
        for point in points {
            send("mouseMoved", *point, 1)?;
        }
        send("mouseReleased", *last, 0)
    }

    /// Draws a line from point to point with a finger.
    pub fn draw_line_by_touch(&mut self, points: &[(f64, f64)]) -> Result<()> {
        let enabled = json!({ "enabled": true });
        self.call("Emulation.setTouchEmulationEnabled", enabled)?;
        for (index, (x, y)) in points.iter().enumerate() {
            let kind = if index == 0 {
                "touchStart"
            } else {
                "touchMove"
            };
            let event = json!({ "type": kind, "touchPoints": [{ "x": x, "y": y }] });
            self.call("Input.dispatchTouchEvent", event)?;
        }
        let event = json!({ "type": "touchEnd", "touchPoints": [] });
        self.call("Input.dispatchTouchEvent", event).map(drop)
    }

    /// Presses a key with modifiers (2: Ctrl, 8: Shift).
    pub fn press_key(&mut self, key: &str, modifiers: u32) -> Result<()> {
        let code = match key {
            " " => "Space".to_owned(),
            _ if key.len() == 1 => format!("Key{}", key.to_uppercase()),
            _ => key.to_owned(),
        };
        // What the browser itself does with a key goes by its number, and Enter by its text.
        let number = match key {
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            " " => 32,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            _ => 0,
        };
        let (down, text) = match key {
            "Enter" => ("keyDown", "\r"),
            _ => ("rawKeyDown", ""),
        };
        for (kind, text) in [(down, text), ("keyUp", "")] {
            let event = json!({ "type": kind, "key": key, "code": code, "modifiers": modifiers,
                "windowsVirtualKeyCode": number, "text": text });
            self.call("Input.dispatchKeyEvent", event)?;
        }
        Ok(())
    }

    /// What the page wrote to the console and left uncaught since last asked.
    pub fn console(&mut self) -> Vec<String> {
        let events = self.connection.take_events();
        let lines = events.iter().filter_map(console_line);
        // Chromium's word for a page that asks for WebGPU on a machine without.
        lines
            .filter(|line| !line.contains("No available adapters."))
            .collect()
    }

    /// The visible part of the page, as a PNG.
    pub fn screenshot(&mut self) -> Result<Vec<u8>> {
        let answer = self.call("Page.captureScreenshot", json!({ "format": "png" }))?;
        decode_base64(&answer["data"])
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.call_browser("Browser.close", json!({}));
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if matches!(self.process.try_wait(), Ok(Some(_))) {
                return;
            }
            sleep(Duration::from_millis(50));
        }
        end(&mut self.process);
    }
}

/// The bytes behind a base64 string of the browser's.
pub fn decode_base64(value: &Value) -> Result<Vec<u8>> {
    use base64::Engine;
    let text = value.as_str().context("expected base64 text")?;
    Ok(base64::engine::general_purpose::STANDARD.decode(text)?)
}

/// The browser takes commands on descriptor 3 and answers on descriptor 4; a
/// shell connects these to the pipes that a program can give its child.
fn command(program: &Path, graphics: Graphics, profile: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >&2"#])
        .arg(program)
        .args(ALWAYS)
        .arg(format!("--user-data-dir={}", profile.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    if graphics == Graphics::WebGpu {
        command.args(SOFTWARE_WEBGPU);
    }
    command.args(flags).arg("about:blank");
    command
}

fn connect(process: &mut Child) -> Result<(Connection, String)> {
    let pipes = process.stdin.take().zip(process.stdout.take());
    let (commands, answers) = pipes.context("the browser has no pipes")?;
    let mut connection = Connection::new(commands, answers);
    let mut call = |session: Option<&str>, method: &str, parameters: Value| {
        connection.call(session, method, parameters, QUICK)
    };
    let created = call(None, "Target.createTarget", json!({ "url": "about:blank" }))?;
    let target = json!({ "targetId": created["targetId"], "flatten": true });
    let attached = call(None, "Target.attachToTarget", target)?;
    let session = attached["sessionId"].as_str();
    let session = session
        .context("the browser gave no session for its tab")?
        .to_owned();
    for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
        call(Some(&session), domain, json!({}))?;
    }
    Ok((connection, session))
}

fn end(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}

fn console_line(event: &Value) -> Option<String> {
    let parameters = &event["params"];
    match event["method"].as_str()? {
        "Runtime.consoleAPICalled" => {
            let parts = parameters["args"].as_array()?.iter();
            let text = parts.map(|part| {
                let described = part["description"].as_str();
                described.map_or_else(|| part["value"].to_string(), str::to_owned)
            });
            Some(text.collect::<Vec<_>>().join(" "))
        }
        "Runtime.exceptionThrown" => Some(parameters["exceptionDetails"].to_string()),
        "Log.entryAdded" => {
            let entry = &parameters["entry"];
            Some(format!("{} {}", entry["level"], entry["text"]))
        }
        _ => None,
    }
}
