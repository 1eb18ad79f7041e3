//! The built page on a server of its own, with models, and with faults.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use server::{Reply, Routes, Server};
use xtask::workspace;

/// How an answer goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No such file.
    Missing,
    /// The connection closes after half of it.
    Cut,
    /// One byte in the middle is another.
    Altered,
    /// Its first byte is another.
    OtherStart,
    /// It ends early, as if it were complete.
    Shortened,
}

const ISOLATION: [(&str, &str); 2] = [
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
];

type Faults = Arc<Mutex<HashMap<String, Fault>>>;

/// A served page; dropping it takes the page offline.
pub struct Site {
    server: Option<Server>,
    port: u16,
    base: String,
    routes: Routes,
    faults: Faults,
    requests: Arc<Mutex<Vec<String>>>,
    isolated: Arc<AtomicBool>,
}

impl Site {
    /// Serves the built page with the models it ships with.
    pub fn shipped() -> Result<Self> {
        Self::start("/", &[])
    }

    /// Serves the built page with one model, at the root of the server.
    pub fn with_model(name: &str, folder: &Path) -> Result<Self> {
        Self::start("/", &[(name, folder)])
    }

    /// Serves the built page at `base`, which begins and ends with a slash.
    /// With models named, these take the place of those that it ships with.
    pub fn start(base: &str, models: &[(&str, &Path)]) -> Result<Self> {
        let dist = workspace::dist();
        ensure!(
            dist.join("index.html").is_file(),
            "there is no built page in {}. Run `cargo xtask build-web`.",
            dist.display()
        );
        let mut routes = Routes::default().folder(base, dist);
        if !models.is_empty() {
            let entry =
                |name: &str| json!({ "manifest": format!("{name}/manifest.json"), "title": name });
            let entries: Vec<_> = models.iter().map(|(name, _)| entry(name)).collect();
            let index = json!({ "models": entries }).to_string();
            routes = routes.file(&format!("{base}models/index.json"), index);
        }
        for (name, folder) in models {
            routes = routes.folder(&format!("{base}models/{name}/"), folder);
        }
        let mut site = Self {
            server: None,
            port: 0,
            base: base.to_owned(),
            routes,
            faults: Faults::default(),
            requests: Arc::default(),
            isolated: Arc::default(),
        };
        site.go_online()?;
        Ok(site)
    }

    /// Serves a folder besides, at a path inside the page's folder that ends with a slash.
    ///
    /// # Errors
    /// The server does not start again.
    pub fn also_serve(&mut self, path: &str, folder: &Path) -> Result<()> {
        let at = format!("{}{path}", self.base);
        self.routes = std::mem::take(&mut self.routes).folder(&at, folder);
        self.go_offline();
        self.go_online()
    }

    /// The same site with files, in the page's folder, in place of those that are there.
    pub fn with_files(mut self, files: &[(String, Vec<u8>)]) -> Result<Self> {
        self.go_offline();
        // Somebody else may have taken the port already.
        self.port = 0;
        for (path, bytes) in files {
            let place = format!("{}{path}", self.base);
            self.routes = std::mem::take(&mut self.routes).file(&place, bytes.clone());
        }
        self.go_online()?;
        Ok(self)
    }

    /// Comes back at the address that it had.
    pub fn go_online(&mut self) -> Result<()> {
        let (routes, faults) = (self.routes.clone(), Arc::clone(&self.faults));
        let requests = Arc::clone(&self.requests);
        let isolated = Arc::clone(&self.isolated);
        let answer = move |path: &str| {
            let mut requests = requests.lock().unwrap_or_else(PoisonError::into_inner);
            requests.push(path.to_owned());
            drop(requests);
            let fault = lock(&faults).get(path).copied();
            let mut reply = routes.reply(path);
            if isolated.load(Ordering::SeqCst) {
                for (name, value) in ISOLATION {
                    reply.headers.push((name, value.to_owned()));
                }
            }
            fault.map_or(reply.clone(), |fault| spoil(reply, fault))
        };
        let server = Server::start(self.port, answer)?;
        self.port = server.port();
        self.server = Some(server);
        Ok(())
    }

    /// Refuses every connection from now on.
    pub fn go_offline(&mut self) {
        self.server = None;
    }

    /// The address of something in the page's folder, such as `?model=tiny`.
    pub fn url(&self, rest: &str) -> String {
        format!("http://127.0.0.1:{}{}{rest}", self.port, self.base)
    }

    /// The paths that were asked for so far, in order.
    pub fn requests(&self) -> Vec<String> {
        let requests = self.requests.lock();
        requests.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells browsers from now on to keep pages apart from other origins, which gives them threads.
    pub fn isolate(&self) {
        self.isolated.store(true, Ordering::SeqCst);
    }

    /// Spoils every answer for a path inside the page's folder.
    pub fn spoil(&self, path: &str, fault: Fault) {
        lock(&self.faults).insert(format!("{}{path}", self.base), fault);
    }

    /// Takes all faults back.
    pub fn repair(&self) {
        lock(&self.faults).clear();
    }
}

/// The path of a model's weights, relative to its folder.
pub fn weights_path(model: &Path) -> Result<String> {
    let path = model.join("manifest.json");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let manifest: serde_json::Value = serde_json::from_str(&text)?;
    let weights = manifest["weights"][0]["path"].as_str();
    Ok(weights.context("the manifest names no weights")?.to_owned())
}

fn spoil(mut reply: Reply, fault: Fault) -> Reply {
    let middle = reply.body.len() / 2;
    match fault {
        Fault::Missing => return Reply::error(404),
        Fault::Cut => reply.cut_after = Some(middle),
        Fault::Altered => {
            if let Some(byte) = reply.body.get_mut(middle) {
                *byte ^= 0x40;
            }
        }
        Fault::OtherStart => {
            if let Some(byte) = reply.body.first_mut() {
                *byte ^= 0x40;
            }
        }
        Fault::Shortened => reply.body.truncate(middle),
    }
    reply
}

fn lock(faults: &Faults) -> MutexGuard<'_, HashMap<String, Fault>> {
    faults.lock().unwrap_or_else(PoisonError::into_inner)
}
