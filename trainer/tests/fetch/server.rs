//! A web server on this machine that cuts, refuses, stalls and changes as a test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What the server does with one request.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) content: Arc<Vec<u8>>,
    pub(crate) etag: Option<&'static str>,
    pub(crate) honours_ranges: bool,
    /// Bytes of the body after which the connection ends.
    pub(crate) cut_after: Option<usize>,
    /// Whether the connection stays open there, silent.
    pub(crate) stalls: bool,
    /// Whether the body comes slowly.
    pub(crate) slow: bool,
}

impl Answer {
    pub(crate) fn with(content: &[u8]) -> Self {
        Self {
            status: "200 OK",
            content_type: "application/octet-stream",
            content: Arc::new(content.to_vec()),
            etag: Some("\"one\""),
            honours_ranges: true,
            cut_after: None,
            stalls: false,
            slow: false,
        }
    }

    pub(crate) fn cut_after(self, bytes: usize) -> Self {
        Self {
            cut_after: Some(bytes),
            ..self
        }
    }
}

/// A request as the server saw it, and how much of the body it sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) range: Option<String>,
    pub(crate) if_range: Option<String>,
    pub(crate) sent: usize,
}

pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers the first request with the first answer and so on; the last one is repeated.
    pub(crate) fn start(path: &str, answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        thread::spawn(move || {
            for (index, stream) in listener.incoming().enumerate() {
                let answer = answers[index.min(answers.len() - 1)].clone();
                let log = Arc::clone(&log);
                // A client that goes away is no failure of the server.
                thread::spawn(move || stream.and_then(|stream| serve(stream, &answer, &log)));
            }
        });
        Self {
            url: format!("http://{address}{path}"),
            seen,
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("the log").clone()
    }

    pub(crate) fn sent(&self) -> usize {
        self.seen().iter().map(|seen| seen.sent).sum()
    }
}

fn serve(mut stream: TcpStream, answer: &Answer, log: &Mutex<Vec<Seen>>) -> std::io::Result<()> {
    let mut seen = Seen::default();
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while let Some(line) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap_or((&line, ""));
        match name.to_ascii_lowercase().as_str() {
            "range" => seen.range = Some(value.to_string()),
            "if-range" => seen.if_range = Some(value.to_string()),
            _ => {}
        }
    }
    let index = {
        let mut log = log.lock().expect("the log");
        log.push(seen.clone());
        log.len() - 1
    };
    let same_version = seen.if_range.is_none() || seen.if_range.as_deref() == answer.etag;
    let wanted = seen.range.as_deref().and_then(|range| {
        let start = range.strip_prefix("bytes=")?.strip_suffix('-')?;
        start.parse::<usize>().ok()
    });
    let total = answer.content.len();
    let start = wanted.filter(|_| answer.honours_ranges && same_version);
    let status = start.map_or(answer.status, |_| "206 Partial Content");
    let body = &answer.content[start.unwrap_or(0)..];
    let mut head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n",
        answer.content_type,
        body.len()
    );
    if let Some(etag) = answer.etag {
        head += &format!("ETag: {etag}\r\n");
    }
    if let Some(start) = start {
        head += &format!("Content-Range: bytes {start}-{}/{total}\r\n", total - 1);
    }
    stream.write_all((head + "\r\n").as_bytes())?;
    let body = &body[..answer.cut_after.unwrap_or(body.len()).min(body.len())];
    for chunk in body.chunks(if answer.slow { 512 } else { 1 << 16 }) {
        stream.write_all(chunk)?;
        log.lock().expect("the log")[index].sent += chunk.len();
        if answer.slow {
            thread::sleep(Duration::from_millis(20));
        }
    }
    if answer.stalls {
        stream.read_to_end(&mut Vec::new())?;
    }
    stream.shutdown(Shutdown::Write)
}
