//! What a node is lent of those that it needs.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Index;

/// The outputs of what a node needs, by key: `needs["parse"]`.
pub struct Needs<'n, K, O> {
    /// By key.
    outputs: Vec<(&'n K, &'n O)>,
}

impl<'n, K: Ord, O> Needs<'n, K, O> {
    pub(super) fn new(outputs: impl Iterator<Item = (&'n K, &'n O)>) -> Self {
        let mut outputs: Vec<_> = outputs.collect();
        outputs.sort_by_key(|(key, _)| *key);
        Self { outputs }
    }

    /// The output of the node of this key; none if the node does not need it.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&'n O>
    where
        K: Borrow<Q>,
    {
        let at = self.outputs.binary_search_by(|(own, _)| (*own).borrow().cmp(key)).ok()?;
        self.outputs.get(at).map(|(_, output)| *output)
    }

    /// All of them, in the order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'n K, &'n O)> + use<'n, '_, K, O> {
        self.outputs.iter().copied()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.outputs.len()
    }

    /// Whether it needs nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }
}

/// # Panics
/// If the node does not need what has this key: see [`Needs::get`].
impl<K: Ord + Borrow<Q> + fmt::Debug, O, Q: Ord + fmt::Debug + ?Sized> Index<&Q> for Needs<'_, K, O> {
    type Output = O;

    fn index(&self, key: &Q) -> &O {
        let has = || self.outputs.iter().map(|(key, _)| *key).collect::<Vec<_>>();
        self.get(key).unwrap_or_else(|| panic!("the node does not need {key:?}; it needs {:?}", has()))
    }
}
