//! A file server for this machine only: enough HTTP for a browser to load the
//! page, and a seam where tests make answers late, short or wrong.

pub mod page;

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};

const LONGEST_REQUEST_HEAD: u64 = 32 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// One answer to the browser.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Close the connection after so many bytes of the announced body.
    pub cut_after: Option<usize>,
    /// Wait before answering.
    pub delay: Duration,
}

impl Reply {
    pub fn ok(content_type: &str, body: Vec<u8>) -> Self {
        Self {
            status: 200,
            headers: vec![("Content-Type", content_type.to_owned())],
            body,
            ..Self::default()
        }
    }

    pub fn error(status: u16) -> Self {
        let text = reason(status).as_bytes().to_vec();
        Self {
            status,
            ..Self::ok("text/plain; charset=utf-8", text)
        }
    }
}

/// What lies where: the longest matching prefix answers.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    mounts: Vec<(String, Source)>,
}

#[derive(Clone, Debug)]
enum Source {
    Folder(PathBuf),
    Bytes(Vec<u8>),
}

impl Routes {
    /// Serves a folder under a prefix that ends with a slash.
    pub fn folder(self, prefix: &str, folder: impl Into<PathBuf>) -> Self {
        self.mount(prefix, Source::Folder(folder.into()))
    }

    /// Serves these bytes as the file at `path`.
    pub fn file(self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.mount(path, Source::Bytes(bytes.into()))
    }

    fn mount(mut self, prefix: &str, source: Source) -> Self {
        // Of two in one place the last wins.
        self.mounts.insert(0, (prefix.to_owned(), source));
        self.mounts
            .sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        self
    }

    /// The answer to a request for `path`, which is already percent-decoded.
    pub fn reply(&self, path: &str) -> Reply {
        let found = self.mounts.iter().find_map(|(prefix, source)| {
            let rest = path.strip_prefix(prefix.as_str())?;
            match source {
                Source::Folder(folder) => Some(from_folder(folder, path, rest)),
                Source::Bytes(bytes) if rest.is_empty() => {
                    Some(Reply::ok(content_type(Path::new(path)), bytes.clone()))
                }
                Source::Bytes(_) => None,
            }
        });
        found.unwrap_or_else(|| Reply::error(404))
    }
}

fn from_folder(folder: &Path, path: &str, rest: &str) -> Reply {
    // An absolute rest, as of `//etc/passwd`, would replace the folder when joined to it.
    let is_plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    let stays_inside =
        Path::new(rest).components().all(is_plain) && !rest.contains(['\\', ':', '\0']);
    if !stays_inside {
        return Reply::error(404);
    }
    let mut file = folder.join(rest);
    if file.is_dir() {
        if !path.ends_with('/') {
            let mut redirect = Reply::error(301);
            redirect.headers.push(("Location", format!("{path}/")));
            return redirect;
        }
        file.push("index.html");
    }
    match fs::read(&file) {
        Ok(body) => Reply::ok(content_type(&file), body),
        Err(_) => Reply::error(404),
    }
}

fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension.unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "wasm" => "application/wasm",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        "ico" => "image/x-icon",
        "md" | "ts" | "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// A running server; dropping it ends it.
pub struct Server {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on this machine; port 0 takes a free one.
    pub fn start(
        port: u16,
        answer: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| {
            format!("cannot listen on port {port}. Choose another one with --port.")
        })?;
        let address = listener.local_addr()?;
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let answer = Arc::new(answer);
        let accept = move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let answer = Arc::clone(&answer);
                // A browser that hangs up early is no fault of the server.
                thread::spawn(move || drop(converse(&stream, &*answer)));
            }
        };
        Ok(Self {
            address,
            stopping,
            listener: Some(thread::spawn(accept)),
        })
    }

    /// The address of the server's root, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Serves until the program is ended.
    pub fn wait(mut self) {
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(listener) = self.listener.take() else {
            return;
        };
        self.stopping.store(true, Ordering::SeqCst);
        // The listener sleeps until somebody calls.
        if TcpStream::connect(self.address).is_ok() {
            let _ = listener.join();
        }
    }
}

fn converse(stream: &TcpStream, answer: &dyn Fn(&str) -> Reply) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let Some(request) = read_request(stream)? else {
        return Ok(());
    };
    let reply = match request.method.as_str() {
        "GET" | "HEAD" => match request.from {
            Some(start) => from_byte(answer(&request.path), start),
            None => answer(&request.path),
        },
        _ => Reply::error(405),
    };
    thread::sleep(reply.delay);
    send(stream, &reply, request.method == "HEAD")
}

/// What is heeded of a request.
struct Request {
    method: String,
    path: String,
    /// First byte that is asked for, where it is not all of them.
    from: Option<usize>,
}

/// The rest of a file, for a browser that has its beginning.
fn from_byte(mut reply: Reply, start: usize) -> Reply {
    let length = reply.body.len();
    if reply.status != 200 || start >= length {
        return reply;
    }
    reply.status = 206;
    let range = format!("bytes {start}-{}/{length}", length - 1);
    reply.headers.push(("Content-Range", range));
    reply.body.drain(..start);
    reply.cut_after = reply.cut_after.map(|end| end.saturating_sub(start));
    reply
}

/// Reads a request to the end of its head; `None` if the browser sent nothing.
fn read_request(stream: &TcpStream) -> io::Result<Option<Request>> {
    let mut lines = BufReader::new(stream.take(LONGEST_REQUEST_HEAD)).lines();
    let Some(first) = lines.next().transpose()? else {
        return Ok(None);
    };
    let mut from = None;
    for line in lines {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = range.strip_suffix('-').and_then(|start| start.parse().ok());
        }
    }
    let mut words = first.split_whitespace();
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or("/"));
    let path = target.split(['?', '#']).next().unwrap_or("/");
    Ok(Some(Request {
        method: method.to_owned(),
        path: percent_decode(path),
        from,
    }))
}

fn send(mut stream: &TcpStream, reply: &Reply, head_only: bool) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status));
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n", reply.body.len()));
    head.push_str("Cache-Control: no-store\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    if !head_only {
        let end = reply.cut_after.unwrap_or(usize::MAX).min(reply.body.len());
        stream.write_all(&reply.body[..end])?;
    }
    stream.flush()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        301 => "Moved Permanently",
        404 => "Not Found",
        405 => "Method Not Allowed",
        _ => "Error",
    }
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = (byte == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(byte));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_characters_are_read_and_broken_escapes_are_kept() {
        assert_eq!(percent_decode("/a%20b/%C3%A4.png"), "/a b/ä.png");
        assert_eq!(percent_decode("/100%"), "/100%");
        assert_eq!(percent_decode("/%zz"), "/%zz");
    }

    #[test]
    fn nothing_outside_the_folder_is_served() {
        let routes = Routes::default().folder("/", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(routes.reply("/Cargo.toml").status, 200);
        assert_eq!(routes.reply("/../Cargo.toml").status, 404);
        assert_eq!(routes.reply("/src/../../Cargo.toml").status, 404);
        assert_eq!(routes.reply("//etc/passwd").status, 404);
    }

    #[test]
    fn a_folder_without_its_slash_is_redirected() {
        let routes = Routes::default().folder("/", env!("CARGO_MANIFEST_DIR"));
        let reply = routes.reply("/src");
        assert_eq!(reply.status, 301);
        assert!(reply.headers.contains(&("Location", "/src/".to_owned())));
    }

    #[test]
    fn the_longest_prefix_answers() {
        let routes = Routes::default()
            .file("/", "root")
            .file("/models/index.json", "[]");
        let reply = routes.reply("/models/index.json");
        assert_eq!(reply.body, b"[]");
        assert_eq!(routes.reply("/models/other.json").status, 404);
    }

    #[test]
    fn the_rest_of_a_file_is_sent_to_whoever_has_its_beginning() {
        let reply = from_byte(Reply::ok("text/plain", b"whole".to_vec()), 2);
        assert_eq!((reply.status, reply.body.as_slice()), (206, &b"ole"[..]));
        let range = ("Content-Range", "bytes 2-4/5".to_owned());
        assert!(reply.headers.contains(&range));
        let beyond = from_byte(Reply::ok("text/plain", b"whole".to_vec()), 5);
        assert_eq!(beyond.status, 200);
    }

    #[test]
    fn a_cut_reply_announces_more_than_it_sends() {
        let reply = Reply {
            cut_after: Some(2),
            ..Reply::ok("text/plain", b"whole".to_vec())
        };
        let server = Server::start(0, move |_| reply.clone()).expect("a free port");
        let mut stream = TcpStream::connect(server.address).expect("the server listens");
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.contains("Content-Length: 5\r\n"));
        assert!(answer.ends_with("\r\n\r\nwh"));
    }
}
