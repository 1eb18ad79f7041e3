//! Bytes of one address into a [`Part`]: continues, begins again, or gives up, by what the server
//! says. Knows nothing of archives.

use std::io::{self, Read};
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::{Agent, Body};

use super::error::FetchError;
use super::part::{Origin, Part};
use super::request::{FetchEvent, FetchRequest, Listener, is_stopped};

/// Wait before the first retry; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Bytes read at once.
const CHUNK: usize = 1 << 16;
/// No data set is as large.
const MAX_ARCHIVE: u64 = 1 << 40;

/// A download in its attempts.
pub(super) struct Download<'a> {
    request: &'a FetchRequest,
    stop: &'a AtomicBool,
    agent: Agent,
}

/// Why an attempt ended early.
enum Failure {
    /// Another attempt may do better.
    Passing {
        /// What went wrong.
        reason: String,
        /// HTTP status, if it was one.
        status: Option<u16>,
    },
    /// Nothing gets better by itself.
    Final(FetchError),
}

impl Failure {
    fn passing(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Passing {
            reason,
            status: None,
        }
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self::Final(error)
    }
}

impl<'a> Download<'a> {
    pub(super) fn new(request: &'a FetchRequest, stop: &'a AtomicBool) -> Self {
        let timeout = Some(request.timeout);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("pix2pix-trainer/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_resolve(timeout)
            .timeout_connect(timeout)
            .timeout_recv_response(timeout)
            .timeout_per_read(timeout)
            .build();
        Self {
            request,
            stop,
            agent: config.new_agent(),
        }
    }

    /// Fetches what is missing. False if it was asked to stop before the end.
    pub(super) fn run(&self, part: &mut Part, listen: Listener<'_>) -> Result<bool, FetchError> {
        let mut failures = 0;
        let mut wait = FIRST_WAIT;
        let mut furthest = part.len();
        while !part.is_complete() {
            let (reason, status) = match self.attempt(part, listen) {
                Ok(finished) => return Ok(finished),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing { reason, status }) => (reason, status),
            };
            // Only bytes that were never there before count as progress: a server that cuts every
            // fresh start at the same place is given up.
            if part.len() > furthest {
                furthest = part.len();
                failures = 0;
                wait = FIRST_WAIT;
            }
            failures += 1;
            if failures > self.request.retries {
                return Err(self.give_up(part, reason, status));
            }
            let reason = reason.as_str();
            listen(FetchEvent::Retrying { reason, wait });
            if !self.sleep(wait) {
                return Ok(false);
            }
            wait = (2 * wait).min(LONGEST_WAIT);
        }
        self.check_length(part.len())?;
        Ok(!is_stopped(self.stop))
    }

    fn give_up(&self, part: &Part, reason: String, status: Option<u16>) -> FetchError {
        let url = self.request.url.clone();
        match status {
            Some(status) => FetchError::Status { url, status },
            None => FetchError::Connection {
                url,
                reason,
                received: part.len(),
                part: part.path().to_path_buf(),
            },
        }
    }

    /// One request and its answer.
    fn attempt(&self, part: &mut Part, listen: Listener<'_>) -> Result<bool, Failure> {
        let response = self.ask(part)?;
        let status = response.status();
        match status {
            StatusCode::PARTIAL_CONTENT => self.check_continuation(&response, part, listen)?,
            StatusCode::RANGE_NOT_SATISFIABLE => {
                begin_again(part, "the server has no such range", listen)?;
                return Err(Failure::passing("the file at the address changed"));
            }
            status if status.is_success() => self.check_beginning(&response, part, listen)?,
            status => return Err(self.refusal(status)),
        }
        listen(FetchEvent::Downloading {
            url: &self.request.url,
            total: part.origin().total,
            resumed_at: part.len(),
        });
        self.receive(response, part, listen)
    }

    fn refusal(&self, status: StatusCode) -> Failure {
        let passing = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
        if status.is_server_error() || passing.contains(&status) {
            return Failure::Passing {
                reason: format!("the server answers {status}"),
                status: Some(status.as_u16()),
            };
        }
        let url = self.request.url.clone();
        let status = status.as_u16();
        Failure::Final(FetchError::Status { url, status })
    }

    fn ask(&self, part: &Part) -> Result<Response<Body>, Failure> {
        let mut request = self.agent.get(&self.request.url);
        if part.len() > 0 {
            request = request.header("Range", format!("bytes={}-", part.len()));
            if let Some(validator) = &part.origin().validator {
                request = request.header("If-Range", validator);
            }
        }
        request.call().map_err(|error| match error {
            ureq::Error::BadUri(reason) => self.bad_address(reason),
            ureq::Error::Http(error) => self.bad_address(error.to_string()),
            ureq::Error::RequireHttpsOnly(reason) => self.bad_address(reason),
            error => Failure::passing(readable(error)),
        })
    }

    fn bad_address(&self, reason: String) -> Failure {
        let url = self.request.url.clone();
        Failure::Final(FetchError::Address { url, reason })
    }

    /// A whole file comes, from its first byte.
    fn check_beginning(
        &self,
        response: &Response<Body>,
        part: &mut Part,
        listen: Listener<'_>,
    ) -> Result<(), Failure> {
        let total = response.body().content_length();
        self.refuse_other_files(response, total)?;
        if part.len() > 0 {
            let reason = "the server cannot continue, or the file changed";
            begin_again(part, reason, listen)?;
        }
        part.describe(Origin {
            url: self.request.url.clone(),
            validator: validator(response.headers()),
            total,
        })?;
        Ok(())
    }

    /// The missing bytes come; they must be those after the ones that are there.
    fn check_continuation(
        &self,
        response: &Response<Body>,
        part: &mut Part,
        listen: Listener<'_>,
    ) -> Result<(), Failure> {
        let range = header(response.headers(), "content-range").and_then(content_range);
        let origin = part.origin().clone();
        let fits = range.is_some_and(|(start, total)| {
            let same_length = match (total, origin.total) {
                (Some(total), Some(before)) => total == before,
                // Without a name for the version, its length is all that tells versions apart.
                _ => origin.validator.is_some(),
            };
            start == part.len() && same_length
        });
        if !fits {
            begin_again(part, "the server offers another part of the file", listen)?;
            return Err(Failure::passing("the file at the address changed"));
        }
        let total = range.and_then(|(_, total)| total).or(origin.total);
        self.check_total(total)?;
        part.describe(Origin { total, ..origin })?;
        Ok(())
    }

    fn refuse_other_files(
        &self,
        response: &Response<Body>,
        total: Option<u64>,
    ) -> Result<(), Failure> {
        let kind = header(response.headers(), "content-type").unwrap_or_default();
        if kind.to_ascii_lowercase().starts_with("text/html") {
            let url = self.request.url.clone();
            return Err(FetchError::WebPage { url }.into());
        }
        self.check_total(total)
    }

    fn check_total(&self, total: Option<u64>) -> Result<(), Failure> {
        total.map_or(Ok(()), |total| Ok(self.check_length(total)?))
    }

    fn check_length(&self, actual: u64) -> Result<(), FetchError> {
        match self.request.bytes {
            Some(expected) if expected != actual => Err(self.wrong_length(expected, actual)),
            _ => Ok(()),
        }
    }

    fn wrong_length(&self, expected: u64, actual: u64) -> FetchError {
        let url = self.request.url.clone();
        FetchError::Length {
            url,
            expected,
            actual,
        }
    }

    fn receive(
        &self,
        response: Response<Body>,
        part: &mut Part,
        listen: Listener<'_>,
    ) -> Result<bool, Failure> {
        let mut body = response.into_body().into_reader();
        let mut chunk = vec![0; CHUNK];
        loop {
            if is_stopped(self.stop) {
                return Ok(false);
            }
            let read = match body.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Failure::passing(readable(error.into()))),
            };
            part.append(&chunk[..read])?;
            let (bytes, total) = (part.len(), part.origin().total);
            listen(FetchEvent::Received { bytes, total });
            let most = self.request.bytes.unwrap_or(MAX_ARCHIVE);
            if bytes > most {
                return Err(self.wrong_length(most, bytes).into());
            }
        }
        match part.origin().total {
            Some(total) if part.len() < total => Err(Failure::passing("the connection was cut")),
            _ => {
                self.check_length(part.len())?;
                let total = Some(part.len());
                let origin = part.origin().clone();
                part.describe(Origin { total, ..origin })?;
                Ok(true)
            }
        }
    }

    /// False if it was asked to stop meanwhile.
    fn sleep(&self, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        while Instant::now() < until {
            if is_stopped(self.stop) {
                return false;
            }
            thread::sleep(Duration::from_millis(20).min(wait));
        }
        true
    }
}

fn begin_again(part: &mut Part, reason: &str, listen: Listener<'_>) -> Result<(), FetchError> {
    listen(FetchEvent::Restarted { reason });
    let url = part.origin().url.clone();
    part.restart(&url)
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// What names a version byte for byte: a strong ETag, else the date (RFC 9110, section 13.1.5).
fn validator(headers: &HeaderMap) -> Option<String> {
    let etag = header(headers, "etag").filter(|etag| !etag.starts_with("W/"));
    let validator = etag.or_else(|| header(headers, "last-modified"))?;
    Some(validator.to_string())
}

/// First byte and length of the whole in `bytes 5-9/10` (RFC 9110, section 14.4).
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    let total = match total {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    Some((start.parse().ok()?, total))
}

fn readable(error: ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "the server's name is not known".to_string(),
        ureq::Error::Timeout(_) => "the server is silent".to_string(),
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the connection was cut".to_string()
        }
        ureq::Error::Io(error) => format!("the connection failed ({error})"),
        error => format!("the connection failed ({error})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read_as_the_standard_writes_them() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
        for wrong in [
            "bytes */10",
            "5-9/10",
            "bytes x-9/10",
            "bytes 5-9",
            "bytes 5-9/x",
        ] {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_weak_etag_does_not_name_a_version() {
        let mut headers = HeaderMap::new();
        headers.insert("etag", "W/\"1\"".parse().expect("a value"));
        assert_eq!(validator(&headers), None);
        let date = "Mon, 01 Jan 2024 00:00:00 GMT";
        headers.insert("last-modified", date.parse().expect("a value"));
        assert_eq!(validator(&headers).as_deref(), Some(date));
        headers.insert("etag", "\"1\"".parse().expect("a value"));
        assert_eq!(validator(&headers).as_deref(), Some("\"1\""));
    }
}
