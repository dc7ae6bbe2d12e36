//! A subscriber that remembers spans and records.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_core::span::Current;

pub(crate) type Fields = BTreeMap<String, String>;

#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
    pub(crate) parent: Option<u64>,
    pub(crate) fields: Fields,
    metadata: &'static Metadata<'static>,
}

#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) level: Level,
    pub(crate) text: String,
    pub(crate) within: Option<u64>,
    pub(crate) fields: Fields,
}

#[derive(Default)]
struct Seen {
    spans: Vec<Span>,
    said: Vec<Said>,
    entered: HashMap<ThreadId, Vec<u64>>,
}

/// Clones share what they have seen.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Seen>>);

impl Recorder {
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.0.lock().unwrap().spans.clone()
    }

    pub(crate) fn said(&self) -> Vec<Said> {
        self.0.lock().unwrap().said.clone()
    }

    /// The names of what a span is in, from itself up.
    pub(crate) fn above(&self, span: Option<u64>) -> Vec<&'static str> {
        let spans = self.spans();
        let mut names = Vec::new();
        let mut at = span;
        while let Some(span) = at.and_then(|id| spans.iter().find(|span| span.id == id)) {
            names.push(span.name);
            at = span.parent;
        }
        names
    }

    pub(crate) fn warnings(&self) -> Vec<Said> {
        self.said().into_iter().filter(|said| said.level == Level::WARN).collect()
    }
}

impl Seen {
    fn current(&self) -> Option<u64> {
        self.entered.get(&std::thread::current().id())?.last().copied()
    }
}

struct Taken<'a>(&'a mut Fields);

impl Visit for Taken<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut seen = self.0.lock().unwrap();
        let id = seen.spans.len() as u64 + 1;
        let contextual = if attributes.is_root() { None } else { seen.current() };
        let parent = attributes.parent().map(Id::into_u64).or(contextual);
        let mut fields = Fields::new();
        attributes.record(&mut Taken(&mut fields));
        let metadata = attributes.metadata();
        seen.spans.push(Span { id, name: metadata.name(), parent, fields, metadata });
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut seen = self.0.lock().unwrap();
        if let Some(span) = seen.spans.iter_mut().find(|known| known.id == span.into_u64()) {
            values.record(&mut Taken(&mut span.fields));
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Taken(&mut fields));
        let mut seen = self.0.lock().unwrap();
        let contextual = if event.is_root() { None } else { seen.current() };
        let within = event.parent().map(Id::into_u64).or(contextual);
        let text = fields.remove("message").unwrap_or_default();
        seen.said.push(Said { level: *event.metadata().level(), text, within, fields });
    }

    fn enter(&self, span: &Id) {
        let mut seen = self.0.lock().unwrap();
        seen.entered.entry(std::thread::current().id()).or_default().push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let mut seen = self.0.lock().unwrap();
        if let Some(entered) = seen.entered.get_mut(&std::thread::current().id())
            && let Some(at) = entered.iter().rposition(|known| *known == span.into_u64())
        {
            entered.remove(at);
        }
    }

    fn current_span(&self) -> Current {
        let seen = self.0.lock().unwrap();
        let known = seen.current().and_then(|id| seen.spans.iter().find(|span| span.id == id));
        known.map_or_else(Current::none, |span| Current::new(Id::from_u64(span.id), span.metadata))
    }
}
