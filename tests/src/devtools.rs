//! The browser's remote control: JSON messages over two pipes.
//!
//! Pipes rather than a port: nobody else can connect, and the browser ends by
//! itself when the test program is gone, however that ended.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// Ends each message on the pipes.
const END: u8 = 0;

/// An open line to one browser.
pub struct Connection {
    commands: ChildStdin,
    answers: Receiver<Value>,
    last_id: u64,
    events: Vec<Value>,
}

impl Connection {
    /// Talks to a browser over the pipes that it was started with.
    pub fn new(commands: ChildStdin, answers: ChildStdout) -> Self {
        let (sender, receiver) = mpsc::channel();
        // Reading a pipe knows no time limit; receiving from a channel does.
        thread::spawn(move || {
            for message in BufReader::new(answers).split(END).map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else {
                    break;
                };
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        Self {
            commands,
            answers: receiver,
            last_id: 0,
            events: Vec::new(),
        }
    }

    /// Calls a method of the browser, or of the page behind `session`.
    pub fn call(
        &mut self,
        session: Option<&str>,
        method: &str,
        parameters: Value,
        limit: Duration,
    ) -> Result<Value> {
        self.last_id += 1;
        let id = self.last_id;
        let mut command = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let mut bytes = command.to_string().into_bytes();
        bytes.push(END);
        self.commands
            .write_all(&bytes)
            .context("the browser is gone")?;
        let answer = self.answer_to(id, Instant::now() + limit);
        let answer = answer.with_context(|| format!("no answer to {method}"))?;
        let error = &answer["error"];
        ensure!(error.is_null(), "{method} failed: {error}");
        Ok(answer["result"].clone())
    }

    /// The events that came in between answers and stay there.
    pub fn events(&self) -> &[Value] {
        &self.events
    }

    /// The events that came in between answers and were not taken yet.
    pub fn take_events(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.events)
    }

    fn answer_to(&mut self, id: u64, deadline: Instant) -> Result<Value> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.answers.recv_timeout(left) {
                Ok(message) if message["id"] == id => return Ok(message),
                Ok(event) => self.events.push(event),
                Err(RecvTimeoutError::Timeout) => bail!("the browser took too long"),
                Err(RecvTimeoutError::Disconnected) => bail!("the browser ended"),
            }
        }
    }
}
