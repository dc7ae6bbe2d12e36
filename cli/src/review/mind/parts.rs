//! Sources in parts that a model reads at once.

use std::sync::Arc;

use crate::review::Source;

/// So many bytes of text are one part: some 12,000 tokens.
pub(super) const PART: usize = 48 << 10;

/// Some sources, whole; one that is larger than a part is one by itself, and shown up to here.
#[derive(Clone, Debug)]
pub struct Part {
    pub(super) sources: Vec<Arc<Source>>,
}

impl Part {
    /// The sources.
    pub fn sources(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.sources.iter()
    }
}

/// Puts sources together, in their order.
#[must_use]
pub fn parts(sources: impl IntoIterator<Item = Arc<Source>>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut left = 0;
    for source in sources {
        let bytes = source.text().len();
        match parts.last_mut() {
            Some(part) if bytes <= left => part.sources.push(source),
            _ => {
                parts.push(Part { sources: vec![source] });
                left = PART;
            }
        }
        left = left.saturating_sub(bytes);
    }
    parts
}

/// How many parts files of these sizes are.
pub(super) fn count(sizes: impl IntoIterator<Item = u64>) -> u64 {
    let (mut parts, mut left) = (0, 0);
    for bytes in sizes {
        if parts == 0 || bytes > left {
            (parts, left) = (parts + 1, PART as u64);
        }
        left = left.saturating_sub(bytes);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Every source is in one part, in order, and a part of several is no larger than one may be.
        #[test]
        fn sources_come_in_parts_that_fit(sizes in prop::collection::vec(0_usize..(2 * PART), 0..20)) {
            let source = |(number, size): (usize, &usize)| {
                let text = "a line\n".repeat(size / 7 + 1);
                Arc::new(Source::new(&format!("{number}.txt"), text.into_bytes()[..*size].to_vec()).unwrap())
            };
            let sources: Vec<_> = sizes.iter().enumerate().map(source).collect();
            let parts = parts(sources.clone());
            let all: Vec<_> = parts.iter().flat_map(Part::sources).map(|source| source.path()).collect();
            prop_assert_eq!(all, sources.iter().map(|source| source.path()).collect::<Vec<_>>());
            for part in &parts {
                let bytes: usize = part.sources().map(|source| source.text().len()).sum();
                prop_assert!(part.sources.len() == 1 || bytes <= PART);
            }
            prop_assert_eq!(count(sizes.iter().map(|size| *size as u64)), parts.len() as u64);
        }
    }
}
