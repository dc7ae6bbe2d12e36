//! Sources that were parsed once and are looked at by every specialist.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::review::{Note, Source};

/// How much text is kept. A syntax tree takes some forty times its text.
const BYTES: usize = 2 << 20;

/// The sources that were looked at last. Each specialist reads its files itself; what is shared is the parsing.
#[derive(Debug, Default)]
pub(super) struct Shelf(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    sources: HashMap<String, Arc<Source>>,
    /// The oldest first.
    order: VecDeque<String>,
    bytes: usize,
}

impl Shelf {
    /// The source of this text, shared with whoever has read the same.
    ///
    /// # Errors
    /// A [`Note`] for a text that should not be reviewed.
    pub(super) fn source(&self, path: &str, text: String) -> Result<Arc<Source>, Note> {
        if let Some(source) = self.0.lock().sources.get(path).filter(|source| source.text() == text) {
            return Ok(Arc::clone(source));
        }
        let source = Arc::new(Source::new(path, text.into_bytes())?);
        self.0.lock().put(&source);
        Ok(source)
    }
}

impl State {
    fn put(&mut self, source: &Arc<Source>) {
        let path = source.path().to_owned();
        self.bytes += source.text().len();
        match self.sources.insert(path.clone(), Arc::clone(source)) {
            Some(old) => self.bytes -= old.text().len(),
            None => self.order.push_back(path),
        }
        while self.bytes > BYTES && self.order.len() > 1 {
            let Some(oldest) = self.order.pop_front() else { return };
            if let Some(old) = self.sources.remove(&oldest) {
                self.bytes -= old.text().len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_one_source_and_another_is_not() {
        let shelf = Shelf::default();
        let source = |text: &str| shelf.source("a.rs", text.to_owned()).unwrap();
        let first = source("fn a() {}");
        assert!(Arc::ptr_eq(&first, &source("fn a() {}")));
        assert!(!Arc::ptr_eq(&first, &source("fn b() {}")));
    }

    #[test]
    fn it_keeps_no_more_than_its_bytes() {
        let shelf = Shelf::default();
        let text = "// words\n".repeat(100_000);
        for number in 0..40 {
            shelf.source(&format!("{number}.rs"), text.clone()).unwrap();
        }
        let state = shelf.0.lock();
        assert!(state.bytes <= BYTES && state.sources.len() == state.order.len());
        assert_eq!(state.bytes, state.sources.values().map(|source| source.text().len()).sum::<usize>());
        assert!(state.sources.contains_key("39.rs") && !state.sources.contains_key("0.rs"));
    }
}
