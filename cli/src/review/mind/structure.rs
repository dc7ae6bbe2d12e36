//! Search by shape: code that looks like a pattern. Parsing is work for a processor, and a pattern is a model's, so it runs in worker
//! processes, which are killed with the call.

use std::sync::Arc;

use ast_grep_core::matcher::Pattern;
use ast_grep_core::tree_sitter::StrDoc;
use ast_grep_core::{AstGrep, Matcher as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use skep_actors::pool::ProcessPool;
use skep_actors::tool::{Card, PlannedTool, ToolError};
use skep_actors::tools::files::Entry;
use skep_actors::tools::{Below, Workspace};
use skep_runtime::effect::Tier;
use skep_runtime::{Call, FailureClass, Reach, Repeat};

use crate::review::source::{Grammar, MAX_BYTES, Syntax};

/// The job of a worker.
pub const JOB: &str = "structure";

/// Matches that are told unless more are asked for, and at most.
const MATCHES: usize = 100;

/// What a worker gets at once, in files and in bytes: enough that the pipe costs little, little enough that a search ends soon after its
/// last match, and that memory does not feel it.
const BATCH: (usize, u64) = (64, 4 << 20);

/// The longest pattern: longer ones are no shape but a file.
const PATTERN: usize = 4_096;

/// So much of the line of a match is told.
const SHOWN: usize = 200;

/// What the tool takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Code in which `$NAME` stands for any one part, the same wherever the name is the same, and `$$$NAME` for any number of them.
    pattern: String,
    /// The folder or the file to search, relative to the root; all of the root if not given.
    path: Option<String>,
    /// The most matches to tell; 100 if not given.
    #[schemars(range(min = 1, max = 1000))]
    most: Option<usize>,
}

/// What it will do.
pub struct Plan {
    pattern: String,
    below: Arc<Below>,
    most: usize,
}

/// The tool `structure_search`.
pub struct Structure {
    card: Card,
    workspace: Workspace,
    workers: ProcessPool,
}

impl Structure {
    /// The tool for the files of a workspace.
    #[must_use]
    pub fn new(workspace: &Workspace, workers: &ProcessPool) -> Self {
        let about = "Finds Rust code by its shape, whatever its layout: `$X.unwrap()`, `fn $NAME($$$ARGS) -> Result<$T, $E> { $$$BODY }`. \
            Comments and strings are not code. Of each match the first line is told.";
        let card = Card {
            kind: "structure.search".to_owned(),
            repeat: Repeat::Pure,
            tier: Tier::Reads,
            modifies: false,
            ..Card::new("structure_search", about)
        };
        Self { card, workspace: workspace.clone(), workers: workers.clone() }
    }
}

impl PlannedTool for Structure {
    type Input = Input;
    type Plan = Plan;
    type Output = String;

    fn card(&self) -> &Card {
        &self.card
    }

    fn plan(&self, input: Input) -> Result<(Reach, Plan), ToolError> {
        if input.pattern.len() > PATTERN {
            return Err(ToolError::said(format!("the pattern is longer than {PATTERN} bytes")));
        }
        let below = self.workspace.below(input.path.as_deref().unwrap_or_default(), Some("*.rs"))?;
        let plan =
            Plan { pattern: input.pattern, below: Arc::new(below), most: input.most.unwrap_or(MATCHES) };
        Ok((plan.below.reach(), plan))
    }

    async fn carry_out(&self, plan: Arc<Plan>, call: Call) -> Result<String, ToolError> {
        // An error in it is told also where no file is searched.
        self.search(&plan, Vec::new(), &call).await?;
        let found = plan.below.files(&call).await?;
        let mut told = Told { unread: found.unlisted, ..Told::default() };
        for files in batches(found.files) {
            if told.matches.len() >= plan.most {
                told.skipped += files.len();
                continue;
            }
            let mut sources = Vec::new();
            for (file, text) in plan.below.texts(&call, files, MAX_BYTES as u64).await {
                match text {
                    Ok(text) => sources.push((file, text)),
                    Err(_) => told.unread += 1,
                }
            }
            told.files += sources.len();
            let seen = self.search(&plan, sources, &call).await?;
            told.matches.extend(seen.matches);
            told.deep += seen.deep;
        }
        Ok(told.text(plan.most))
    }
}

impl Structure {
    async fn search(
        &self,
        plan: &Plan,
        sources: Vec<(String, String)>,
        call: &Call,
    ) -> Result<Seen, ToolError> {
        let search = Search { pattern: plan.pattern.clone(), sources, most: plan.most };
        // What the job says is wrong with the pattern is the model's to mend; a worker that was lost is not.
        self.workers.run(call, JOB, &search).await.map_err(|error| match error.class() {
            FailureClass::Failed => ToolError::said(error.to_string()),
            _ => ToolError::Failed(error),
        })
    }
}

/// Paths in their order, as many in each batch as [`BATCH`] allows. A file that is larger is not read, and counts as nothing.
fn batches(files: Vec<Entry>) -> Vec<Vec<String>> {
    let (mut batches, mut room) = (Vec::new(), (0, 0));
    for Entry { path, bytes } in files {
        let bytes = if bytes > MAX_BYTES as u64 { 0 } else { bytes };
        if room.0 == 0 || room.1 < bytes {
            batches.push(Vec::new());
            room = BATCH;
        }
        room = (room.0 - 1, room.1 - bytes);
        batches.last_mut().into_iter().for_each(|batch: &mut Vec<String>| batch.push(path.clone()));
    }
    batches
}

/// What a worker is asked for.
#[derive(Debug, Serialize, Deserialize)]
pub struct Search {
    pattern: String,
    /// Paths and texts.
    sources: Vec<(String, String)>,
    most: usize,
}

/// What it has seen.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    matches: Vec<Match>,
    /// Files that nest too deeply to be parsed.
    deep: usize,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Match {
    file: String,
    line: usize,
    text: String,
}

/// The worker's job.
///
/// # Errors
/// If the pattern is no code, or fits everything.
pub fn search(search: &Search) -> Result<Seen, String> {
    let pattern = Pattern::try_new(&search.pattern, Grammar::Rust).map_err(|error| {
        format!("the pattern cannot be read as Rust: {error}; it is one expression, item or statement")
    })?;
    if pattern.potential_kinds().is_none() {
        return Err("the pattern fits everything; say what kind of code it is about".to_owned());
    }
    let mut seen = Seen::default();
    for (file, text) in &search.sources {
        if Syntax::is_too_deep(text) {
            seen.deep += 1;
            continue;
        }
        let Ok(document) = StrDoc::try_new(text, Grammar::Rust) else {
            seen.deep += 1;
            continue;
        };
        let tree = AstGrep::doc(document);
        let left = search.most.saturating_sub(seen.matches.len());
        for found in tree.root().find_all(&pattern).take(left) {
            let line = found.start_pos().line() + 1;
            seen.matches.push(Match { file: file.clone(), line, text: shown(&found.text()) });
        }
    }
    Ok(seen)
}

/// The first line of a match.
fn shown(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let end = (0..=first.len().min(SHOWN)).rev().find(|at| first.is_char_boundary(*at)).unwrap_or(0);
    let more = if end < first.len() || text.lines().nth(1).is_some() { " …" } else { "" };
    format!("{}{more}", &first[..end])
}

/// What the model is told.
#[derive(Default)]
struct Told {
    matches: Vec<Match>,
    files: usize,
    deep: usize,
    unread: usize,
    skipped: usize,
}

impl Told {
    fn text(mut self, most: usize) -> String {
        let is_cut = self.matches.len() > most || self.skipped > 0;
        self.matches.truncate(most);
        let mut lines: Vec<String> = self
            .matches
            .iter()
            .map(|found| format!("{}:{}: {}", found.file, found.line, found.text))
            .collect();
        let more = if is_cut { "; there may be more: ask for more, or name a folder" } else { "" };
        lines.push(format!("[matches: {}; Rust files searched: {}{more}]", self.matches.len(), self.files));
        let left_out = [
            (self.skipped, "not searched, since these were enough"),
            (self.deep, "nested too deeply to be parsed"),
            (self.unread, "not read: symlinks, no UTF-8, or too large"),
        ];
        lines.extend(
            left_out
                .into_iter()
                .filter(|(number, _)| *number > 0)
                .map(|(number, why)| format!("[files {why}: {number}]")),
        );
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(pattern: &str, text: &str) -> Result<Vec<(usize, String)>, String> {
        let sources = vec![("a.rs".to_owned(), text.to_owned())];
        let seen = search(&Search { pattern: pattern.to_owned(), sources, most: 9 })?;
        Ok(seen.matches.into_iter().map(|found| (found.line, found.text)).collect())
    }

    #[test]
    fn code_is_found_by_its_shape_and_not_by_its_letters() {
        let text = "fn a() {\n    b\n        .unwrap();\n    // c.unwrap()\n    let d = \"e.unwrap()\";\n    f(g, g);\n    f(g, h);\n}\n";
        assert_eq!(seen("$X.unwrap()", text), Ok(vec![(2, "b …".to_owned())]));
        assert_eq!(seen("f($A, $A)", text), Ok(vec![(6, "f(g, g)".to_owned())]), "one name is one thing");
        assert_eq!(seen("fn $NAME() { $$$BODY }", text), Ok(vec![(1, "fn a() { …".to_owned())]));
        assert_eq!(seen("$X.expect($Y)", text), Ok(vec![]));
    }

    #[test]
    fn a_batch_has_no_more_files_and_bytes_than_it_may() {
        let of = |sizes: &[u64]| {
            let files = sizes.iter().map(|bytes| Entry { path: "a.rs".to_owned(), bytes: *bytes }).collect();
            batches(files).iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(of(&[]), [0; 0]);
        assert_eq!(of(&[0; 129]), [64, 64, 1]);
        assert_eq!(of(&[1 << 20; 9]), [4, 4, 1]);
        assert_eq!(of(&[u64::MAX; 3]), [3], "none of them is read");
    }

    #[test]
    fn a_pattern_that_is_none_says_so() {
        for (pattern, why) in
            [("", "cannot be read"), ("$X", "fits everything"), ("a(); b()", "cannot be read")]
        {
            let said = seen(pattern, "fn a() {}").unwrap_err();
            assert!(said.contains(why), "{pattern}: {said}");
        }
    }

    #[test]
    fn a_file_that_nests_too_deeply_is_counted_and_not_parsed() {
        let sources =
            vec![("deep.rs".to_owned(), "(".repeat(100_000)), ("a.rs".to_owned(), "fn a() {}".to_owned())];
        let seen = search(&Search { pattern: "fn $A() {}".to_owned(), sources, most: 9 }).unwrap();
        assert_eq!((seen.deep, seen.matches.len()), (1, 1));
    }
}
