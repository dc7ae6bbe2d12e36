//! A cassette: the file, its lines, and which answers have been given.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use skep_runtime::Env;
use skep_runtime::text::{OneLine, one_line};
use thiserror::Error;

use super::canonical::{numbered, text};
use super::difference::{first, nearest};
use crate::model::{Chunk, Model, ModelError, Prices, Request};

/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;

/// A cassette that cannot be recorded or replayed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BadCassette {
    /// The file cannot be read or made.
    #[error("the cassette {} cannot be used: {}", OneLine(.path), OneLine(.why))]
    File {
        /// The file.
        path: String,
        /// The system's message.
        why: String,
    },
    /// The file exists, and is not overwritten.
    #[error("the cassette {} is there already: replay it, or remove it to record anew", OneLine(.path))]
    There {
        /// The file.
        path: String,
    },
    /// A line does not belong in a cassette.
    #[error("the cassette {}, line {line}: {}", OneLine(.path), OneLine(.why))]
    Line {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

/// The first line: which model the cassette belongs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Head {
    cassette: u32,
    pub(super) model: Option<String>,
    pub(super) prices: Option<Prices>,
    #[serde(default)]
    pub(super) provider: Option<String>,
    #[serde(default)]
    pub(super) window: Option<u64>,
}

impl Head {
    pub(super) fn of(model: &impl Model) -> Self {
        let [name, provider] = [model.name(), model.provider()].map(|name| name.map(str::to_owned));
        let (prices, window) = (model.prices(), model.window());
        Self { cassette: VERSION, model: name, prices, provider, window }
    }
}

/// What a model answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) chunks: Vec<Chunk>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<ModelError>,
}

/// Any line after the first.
#[derive(Serialize, Deserialize)]
struct Line {
    request: Request,
    #[serde(flatten)]
    answer: Answered,
}

/// What was read, given in its order.
pub(super) struct Tape {
    head: Head,
    reels: Vec<Reel>,
    /// The index of the reel for a request, by its canonical form.
    by_request: HashMap<String, usize>,
}

/// All answers to one request.
struct Reel {
    /// Its first line in the file.
    line: usize,
    request: Value,
    count: usize,
    answers: Mutex<VecDeque<Answered>>,
}

impl Tape {
    pub(super) fn read(path: &Path) -> Result<Self, BadCassette> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| BadCassette::File { path: shown.clone(), why: error.to_string() })?;
        Self::parse(&text).map_err(|(line, why)| BadCassette::Line { path: shown, line, why })
    }

    /// The error gives the line and what is wrong with it.
    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        let (number, line) = lines.next().ok_or((1, "it is empty".to_owned()))?;
        let head: Head = serde_json::from_str(line)
            .map_err(|_| (number, "a cassette begins with its version, as `{\"cassette\":1}`".to_owned()))?;
        if head.cassette != VERSION {
            return Err((number, format!("it has version {}, and only {VERSION} is known", head.cassette)));
        }
        let mut tape = Self { head, reels: Vec::new(), by_request: HashMap::new() };
        for (number, line) in lines {
            let Line { request, answer } = serde_json::from_str(line)
                .map_err(|error| (number, format!("it is no request with its answer: {}", kind(&error))))?;
            let (key, request) = keyed(&request).map_err(|why| (number, why))?;
            let at = *tape.by_request.entry(key).or_insert(tape.reels.len());
            if at == tape.reels.len() {
                tape.reels.push(Reel { line: number, request, count: 0, answers: Mutex::default() });
            }
            let reel = &mut tape.reels[at];
            reel.count += 1;
            reel.answers.get_mut().push_back(answer);
        }
        Ok(tape)
    }

    pub(super) const fn head(&self) -> &Head {
        &self.head
    }

    pub(super) fn left(&self) -> usize {
        self.reels.iter().map(|reel| reel.answers.lock().len()).sum()
    }

    /// The next answer to a request.
    pub(super) fn take(&self, request: &Request) -> Result<Answered, ModelError> {
        let (key, asked) = keyed(request).map_err(ModelError::Unrecorded)?;
        let Some(reel) = self.by_request.get(&key).map(|at| &self.reels[*at]) else {
            return Err(ModelError::Unrecorded(self.miss(&asked)));
        };
        let next = reel.answers.lock().pop_front();
        next.ok_or_else(|| {
            let Reel { line, count, .. } = reel;
            let all = match count {
                1 => "its one answer was".to_owned(),
                count => format!("all its {count} answers were"),
            };
            ModelError::Unrecorded(format!("the request is that of line {line}, and {all} given before"))
        })
    }

    fn miss(&self, asked: &Value) -> String {
        let Some(reel) =
            nearest(asked, self.reels.iter().map(|reel| &reel.request)).map(|at| &self.reels[at])
        else {
            return "the cassette has none".to_owned();
        };
        let difference = first(asked, &reel.request).unwrap_or_default();
        format!("the nearest request is that of line {}, where {difference}", reel.line)
    }
}

/// A request's canonical form, as text and as a value.
fn keyed(request: &Request) -> Result<(String, Value), String> {
    let value =
        serde_json::to_value(numbered(request)).map_err(|_| "it cannot be written as JSON".to_owned())?;
    Ok((text(&value), value))
}

/// What is wrong with a line, without quoting any of it.
fn kind(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "it is cut off; remove it",
        serde_json::error::Category::Data => "it is of another shape",
        _ => "it is not JSON",
    }
}

/// The writer of a cassette.
pub(super) struct Pen(Arc<Mutex<Page>>);

/// The file, while lines can still be written to it, and its length.
struct Page {
    file: Option<File>,
    bytes: u64,
}

impl Pen {
    pub(super) fn create(path: &Path, head: &Head) -> Result<Self, BadCassette> {
        let shown = || path.display().to_string();
        let file = OpenOptions::new().append(true).create_new(true).open(path);
        let file = file.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => BadCassette::There { path: shown() },
            _ => BadCassette::File { path: shown(), why: error.to_string() },
        })?;
        let mut page = Page { file: Some(file), bytes: 0 };
        let head = written(head).and_then(|line| page.write(&line));
        head.map_err(|why| BadCassette::File { path: shown(), why })?;
        Ok(Self(Arc::new(Mutex::new(page))))
    }

    /// Writes an answer, whole, off the runtime's threads. The error says why that failed.
    pub(super) async fn write(&self, request: &Request, answer: Answered, env: &Env) -> Result<(), String> {
        let line = written(&Line { request: numbered(request), answer })?;
        let page = Arc::clone(&self.0);
        env.blocking(move || page.lock().write(&line)).await
    }
}

impl Page {
    fn write(&mut self, line: &[u8]) -> Result<(), String> {
        let Some(file) = &mut self.file else {
            return Err("an answer before it could not be written, and none is since".to_owned());
        };
        match file.write_all(line).and_then(|()| file.flush()) {
            Ok(()) => {
                self.bytes += line.len() as u64;
                Ok(())
            }
            Err(error) => {
                // A partial line would spoil the next one.
                file.set_len(self.bytes).ok();
                self.file = None;
                Err(one_line(&error.to_string()))
            }
        }
    }
}

fn written(line: &impl Serialize) -> Result<Vec<u8>, String> {
    let mut bytes = serde_json::to_vec(line).map_err(|_| "it cannot be written as JSON".to_owned())?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{End, Scripted};

    const HEAD: &str = r#"{"cassette":1,"model":"m","prices":null}"#;

    fn line(text: &str, says: &str) -> String {
        let answer = Answered { chunks: vec![Chunk::Text(says.into()), Chunk::End(End::Stop)], error: None };
        let line = Line { request: Request::from(text).max_output_tokens(9), answer };
        String::from_utf8(written(&line).unwrap()).unwrap()
    }

    fn says(tape: &Tape, text: &str) -> Result<String, String> {
        let answer =
            tape.take(&Request::from(text).max_output_tokens(9)).map_err(|error| error.to_string())?;
        match &answer.chunks[0] {
            Chunk::Text(text) => Ok(text.clone()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn answers_of_one_request_come_in_their_order_and_no_more_than_there_are() {
        let text = [HEAD, "\n", &line("a", "one"), &line("b", "other"), "\n", &line("a", "two")].concat();
        let tape = Tape::parse(&text).map_err(|(line, why)| format!("{line}: {why}")).unwrap();
        assert_eq!(tape.left(), 3);
        assert_eq!((says(&tape, "a").unwrap(), says(&tape, "a").unwrap()), ("one".into(), "two".into()));
        let error = says(&tape, "a").unwrap_err();
        assert!(error.contains("line 2") && error.contains("all its 2 answers were given"), "{error}");
        let error = says(&tape, "c").unwrap_err();
        assert!(error.contains(r#"line 2, where messages[0].text is "c", and was "a""#), "{error}");
        assert_eq!((says(&tape, "b").unwrap(), tape.left()), ("other".into(), 0));
        assert!(says(&Tape::parse(HEAD).ok().unwrap(), "a").unwrap_err().contains("the cassette has none"));
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named_and_never_skipped() {
        let whole = line("a", "one");
        for (text, at, says) in [
            (String::new(), 1, "empty"),
            (whole.clone(), 1, "begins with its version"),
            ([HEAD, "\nnonsense\n"].concat(), 2, "not JSON"),
            ([HEAD, "\n", &whole, &whole[..30]].concat(), 3, "cut off"),
            ([HEAD, "\n{\"request\":{},\"chunks\":[7]}"].concat(), 2, "another shape"),
            ([HEAD, "\n{\"request\":{}}"].concat(), 2, "another shape"),
            (HEAD.replace(":1", ":2"), 1, "version 2"),
        ] {
            let (line, why) = Tape::parse(&text).err().unwrap();
            assert!(line == at && why.contains(says), "{text}: {line}: {why}");
        }
    }

    #[test]
    fn a_file_that_is_there_is_not_written_over_and_one_that_cannot_be_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let (path, head) = (folder.path().join("a.jsonl"), Head::of(&Scripted::new()));
        drop(Pen::create(&path, &head).unwrap());
        let before = std::fs::read_to_string(&path).unwrap();
        assert!(matches!(Pen::create(&path, &head), Err(BadCassette::There { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
        assert!(Tape::read(&path).is_ok());
        let nowhere = folder.path().join("no/such/a.jsonl");
        assert!(matches!(Pen::create(&nowhere, &head), Err(BadCassette::File { .. })));
        assert!(matches!(Tape::read(&nowhere), Err(BadCassette::File { .. })));
    }
}
