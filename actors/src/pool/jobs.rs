//! The worker's side: what it can do, and the loop that does it.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::line::{Reply, Request, line};

type Job = Box<dyn Fn(Value) -> Result<Value, String>>;

/// What a worker process can do, by name.
#[derive(Default)]
pub struct Jobs(BTreeMap<String, Job>);

impl Jobs {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a job. Its input and its result go over a pipe as JSON, its error as text. Of two jobs with one name the later is kept.
    #[must_use]
    pub fn with<I, O, E>(mut self, name: impl Into<String>, job: impl Fn(I) -> Result<O, E> + 'static) -> Self
    where
        I: DeserializeOwned,
        O: Serialize,
        E: fmt::Display,
    {
        let typed = move |input| {
            let input = serde_json::from_value(input)
                .map_err(|error| format!("the input is not what it takes: {error}"))?;
            let output = job(input).map_err(|error| error.to_string())?;
            serde_json::to_value(output)
                .map_err(|error| format!("the result cannot be written down: {error}"))
        };
        self.0.insert(name.into(), Box::new(typed));
        self
    }

    /// Reads jobs from standard input until that ends, runs them one after another, and answers on standard output. A job must not print
    /// on standard output. What it prints on standard error is reported if it takes the process down.
    ///
    /// When the input ends, nobody waits for an answer any more, and the **process exits** at once, even during a job.
    ///
    /// # Errors
    /// If standard output is closed, or no thread can be started.
    pub fn serve(self) -> io::Result<()> {
        // One line waits at most: a pool sends the next when it has the answer.
        let (send, lines) = mpsc::sync_channel(1);
        let read = move || {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
            std::process::exit(0);
        };
        thread::Builder::new().name("jobs".to_owned()).spawn(read)?;
        for line in lines {
            let (reply, goes_on) = self.reply(&line);
            write(&reply)?;
            if !goes_on {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The answer, and whether the worker is as it was before.
    fn reply(&self, request: &str) -> (Reply, bool) {
        let request: Request<Value> = match serde_json::from_str(request) {
            Ok(request) => request,
            Err(error) => return (Reply::Failed(format!("the request cannot be read: {error}")), true),
        };
        let Some(job) = self.0.get(&request.job) else {
            let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
            return (
                Reply::Failed(format!("no job {:?}; there are: {}", request.job, known.join(", "))),
                true,
            );
        };
        match catch_unwind(AssertUnwindSafe(|| job(request.input))) {
            Ok(Ok(value)) => (Reply::Done(value), true),
            Ok(Err(why)) => (Reply::Failed(why), true),
            Err(panic) => (Reply::Panicked(words(&*panic)), false),
        }
    }
}

fn write(reply: &Reply) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(&line(reply)?)?;
    stdout.flush()
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words").to_owned()
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_request_has_its_answer_whatever_it_is() {
        let jobs = Jobs::new()
            .with("double", |number: u32| number.checked_mul(2).ok_or("it is too large"))
            .with("break", |(): ()| -> Result<(), String> { panic!("broken") });
        let reply = |text: &str| jobs.reply(text);
        assert_eq!(reply(r#"{"job":"double","input":4}"#), (Reply::Done(json!(8)), true));
        let (failed, panicked) = (|why: &str| (Reply::Failed(why.to_owned()), true), "broken".to_owned());
        assert_eq!(reply(r#"{"job":"double","input":4294967295}"#), failed("it is too large"));
        assert_eq!(reply(r#"{"job":"break","input":null}"#), (Reply::Panicked(panicked), false));
        assert_eq!(
            reply(r#"{"job":"halve","input":4}"#),
            failed("no job \"halve\"; there are: break, double")
        );
        for (text, why) in [("{", "cannot be read"), (r#"{"job":"double","input":"x"}"#, "not what it takes")]
        {
            let (Reply::Failed(said), true) = reply(text) else { panic!("{text}") };
            assert!(said.contains(why), "{said}");
        }
    }
}
