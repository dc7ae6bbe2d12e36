//! What a path of a workspace leads to, looked up once: what a tool over many files plans with.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use skep_runtime::{Call, Reach};

use super::globs::Globs;
use super::read::text;
use super::{Place, Workspace, about, aside};
use crate::tool::ToolError;
use crate::tools::beneath::{Beneath, Last, Way};
use crate::tools::files::{Entry, Listing, walk_below};
use crate::tools::wanted::Wanted;

/// A file or a folder of a workspace, where a path that a model wrote leads. Links are resolved, and nothing else is opened later
/// ([`Beneath`](crate::tools) part by part), so a [`PlannedTool`](crate::tool::PlannedTool) can state it as its reach.
pub struct Below {
    pub(super) place: Arc<Place>,
    pub(super) given: String,
    pub(super) way: Way,
    path: PathBuf,
    pub(super) is_folder: bool,
    globs: Globs,
}

/// The files that were found, and what was not looked at.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Sorted by path, which is relative to the root of the workspace; each can be given to [`Below::texts`].
    pub files: Vec<Entry>,
    /// How many paths could not be listed, or are symlinks, which are not followed.
    pub unlisted: usize,
}

impl Workspace {
    /// Where a path leads: relative to the root, or absolute and below it; the root, if it is empty. Of a folder only the files that
    /// match the glob are looked at, as `.gitignore` has them: `*.rs` in any folder, `src/**/*.rs`; all, without one.
    ///
    /// # Errors
    /// [`ToolError::Said`] if nothing is there, it leaves the root, or the glob cannot be read.
    pub fn below(&self, path: &str, glob: Option<&str>) -> Result<Below, ToolError> {
        Below::of(&self.0, path, glob)
    }
}

impl Below {
    pub(super) fn of(place: &Arc<Place>, given: &str, glob: Option<&str>) -> Result<Self, ToolError> {
        let way = place.way(given, Last::Followed)?;
        let path = place.path(way.names());
        let is_folder = place.beneath.is_folder(&way).map_err(|error| about(given, &error))?;
        let (place, globs) = (Arc::clone(place), Globs::read(glob)?);
        Ok(Self { place, given: given.to_owned(), way, path, is_folder, globs })
    }

    /// What a call that reads there is done to: the file, or the folder with all below it.
    #[must_use]
    pub fn reach(&self) -> Reach {
        if self.is_folder { Reach::tree(&self.path) } else { Reach::path(&self.path) }
    }

    /// The file itself, or the files below the folder, without those that git ignores and those of version control.
    ///
    /// # Errors
    /// [`ToolError::Said`] if the folder is gone.
    pub async fn files(self: &Arc<Self>, call: &Call) -> Result<Found, ToolError> {
        let its = Arc::clone(self);
        let found = aside(call, move |wanted| {
            if !its.is_folder {
                let bytes = its.place.beneath.still_file(&its.way)?.size;
                return Ok(Found { files: vec![Entry { path: its.way.text(), bytes }], unlisted: 0 });
            }
            let (mut files, unlisted) = its.walk(&its.place.below(&its.way)?, wanted);
            files.iter_mut().for_each(|file| file.path = its.named(&file.path));
            Ok(Found { files, unlisted })
        });
        found.await.map_err(|error: std::io::Error| about(&self.given, &error))
    }

    /// The text of some of those files, or why one is not read: it is not UTF-8, or larger than `most` bytes. A path that is not
    /// one of them is not read either. All of them are held at once, so ask for as many as memory has room for.
    pub async fn texts(
        self: &Arc<Self>,
        call: &Call,
        files: Vec<String>,
        most: u64,
    ) -> Vec<(String, Result<String, String>)> {
        let its = Arc::clone(self);
        aside(call, move |wanted| {
            let read = |file: &str| {
                let open = if its.is_folder {
                    let path = its.inside(file).ok_or_else(|| "it is not below the folder".to_owned())?;
                    its.place.below(&its.way).and_then(|below| below.file(path))
                } else if file == its.way.text() {
                    its.place.beneath.still_file(&its.way)
                } else {
                    return Err("it is another file".to_owned());
                };
                text(open.map_err(|error| error.to_string())?, most, wanted)
            };
            files.into_iter().map(|file| (read(&file), file)).map(|(text, file)| (file, text)).collect()
        })
        .await
    }

    /// What is below the folder and fits, and how many paths were passed over.
    pub(super) fn walk(&self, below: &Beneath, wanted: &Wanted) -> (Vec<Entry>, usize) {
        let Listing { mut files, passed, symlinks } = walk_below(below, &self.path, wanted);
        files.retain(|file| self.globs.take(&file.path));
        (files, passed.len().saturating_add(usize::try_from(symlinks).unwrap_or(usize::MAX)))
    }

    /// A path below the folder, as it is below the root.
    pub(super) fn named(&self, path: &str) -> String {
        let folder = self.way.text();
        if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
    }

    fn inside<'p>(&self, path: &'p str) -> Option<&'p str> {
        let folder = self.way.text();
        if folder.is_empty() { Some(path) } else { path.strip_prefix(&*folder)?.strip_prefix('/') }
    }
}

impl fmt::Debug for Below {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Below")
            .field("path", &self.path)
            .field("is_folder", &self.is_folder)
            .finish_non_exhaustive()
    }
}
