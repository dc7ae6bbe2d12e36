//! Which lines a change touches, parsed from a diff without context.

use serde::{Deserialize, Serialize};
use skep_runtime::EffectError;

use super::{Answer, Git, USUAL, paths};

/// What a change touches in one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// Its path below the folder, as it is now.
    pub path: String,
    /// The edits in file order. None if the whole file is new to git, or if git does not compare its lines.
    pub edits: Option<Vec<Edit>>,
}

/// New lines in the place of old ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The first new line, counted from 1; if there are no new lines, the line above which the old ones were.
    pub first: u32,
    /// How many lines are new there.
    pub added: u32,
    /// How many lines were there before.
    pub removed: u32,
}

/// Options that fix the output format whatever the user's settings are.
const DIFF: [&str; 12] = [
    "diff",
    "--unified=0",
    "--inter-hunk-context=0",
    // A file that was moved is touched only where its content differs.
    "--find-renames",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--ignore-submodules=all",
    "--diff-filter=d",
    "--relative",
    "--src-prefix=a/",
    "--dst-prefix=b/",
];

impl Git<'_> {
    /// What is touched below the folder, or in the one file `only`, between the point where `head` branched off `base`
    /// and `head`; `None` is the work tree, with the files that git does not know yet. Files that are gone are left out.
    ///
    /// # Errors
    /// [`EffectError`] if the tool did not run.
    pub async fn touched(
        &self,
        base: &str,
        head: Option<&str>,
        only: Option<&str>,
    ) -> Result<Answer<Vec<Touched>>, EffectError> {
        let ends = match self.ends(base, head).await? {
            Ok(ends) => ends,
            Err(why) => return Ok(Err(why)),
        };
        let mut arguments = DIFF.to_vec();
        arguments.push("--end-of-options");
        arguments.extend(ends.iter().map(String::as_str));
        arguments.push("--");
        let settings = match head {
            Some(_) => Vec::new(),
            None => match self.without_filters().await? {
                Ok(settings) => settings,
                Err(why) => return Ok(Err(why)),
            },
        };
        let mut touched = match self.ask_by(&arguments, settings, Vec::new(), USUAL).await?.printed() {
            Ok(printed) => files(&printed),
            Err(complaint) => return Ok(Err(complaint)),
        };
        // Git is asked about all files, since it detects a move only if it sees both paths.
        touched.retain(|file| only.is_none_or(|only| file.path == only));
        if head.is_none() {
            let mut unknown = vec!["ls-files", "--others", "--exclude-standard", "-z", "--"];
            unknown.extend(only);
            match self.ask(&unknown).await?.printed() {
                Ok(printed) => {
                    let unknown = paths(&printed).into_iter();
                    touched.extend(unknown.map(|path| Touched { path, edits: None }));
                }
                Err(complaint) => return Ok(Err(complaint)),
            }
        }
        touched.sort_by(|a, b| a.path.cmp(&b.path));
        touched.dedup_by(|a, b| a.path == b.path);
        Ok(Ok(touched))
    }
}

/// Parses a diff. Its lines are counted, since a removed line may look like a header.
fn files(printed: &[u8]) -> Vec<Touched> {
    let mut found: Vec<Touched> = Vec::new();
    let mut lines = printed.split(|byte| *byte == b'\n');
    while let Some(line) = lines.next() {
        let line = String::from_utf8_lossy(line);
        if let Some(names) = line.strip_prefix("diff --git ") {
            found.push(Touched { path: common(names), edits: Some(Vec::new()) });
        }
        let Some(last) = found.last_mut() else { continue };
        if let Some(name) = line.strip_prefix("rename to ") {
            last.path = unquoted(name);
        } else if let Some(name) = line.strip_prefix("+++ ") {
            let name = unquoted(name.trim_end_matches('\t'));
            name.strip_prefix("b/").unwrap_or(&name).clone_into(&mut last.path);
        } else if line.starts_with("Binary files ") {
            last.edits = None;
        } else if let Some(edit) = edit(&line) {
            let mut left = u64::from(edit.added) + u64::from(edit.removed);
            while left > 0 {
                match lines.next() {
                    // A remark about a missing line break is not one of the lines.
                    Some(line) if line.starts_with(b"\\") => {}
                    Some(_) => left -= 1,
                    None => break,
                }
            }
            last.edits.get_or_insert_default().push(edit);
        }
    }
    found
}

/// `@@ -10,2 +11 @@`: a missing number of lines is one.
fn edit(line: &str) -> Option<Edit> {
    let mut words = line.strip_prefix("@@ -")?.split(' ');
    let range = |word: &str| -> Option<(u32, u32)> {
        let (first, count) = word.split_once(',').unwrap_or((word, "1"));
        Some((first.parse().ok()?, count.parse().ok()?))
    };
    let (_, removed) = range(words.next()?)?;
    let (first, added) = range(words.next()?.strip_prefix('+')?)?;
    // Without new lines git gives the line before.
    Some(Edit { first: if added == 0 { first + 1 } else { first }, added, removed })
}

/// The path in `a/PATH b/PATH`.
fn common(names: &str) -> String {
    let name = if names.starts_with('"') {
        let end = names.char_indices().skip(1).scan(false, |escaped, (at, letter)| {
            let ends = letter == '"' && !*escaped;
            *escaped = letter == '\\' && !*escaped;
            Some((at, ends))
        });
        let end = end.into_iter().find(|(_, ends)| *ends).map_or(names.len(), |(at, _)| at + 1);
        unquoted(&names[..end])
    } else {
        // Both halves have the same length, with a space between them.
        names.get(..names.len().saturating_sub(1) / 2).unwrap_or(names).to_owned()
    };
    name.strip_prefix("a/").unwrap_or(&name).to_owned()
}

/// A name without git's quoting; names with quotes, backslashes or control characters are quoted as in C.
fn unquoted(name: &str) -> String {
    let Some(inside) = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) else {
        return name.to_owned();
    };
    let mut bytes = Vec::with_capacity(inside.len());
    let mut rest = inside.bytes().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next() {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'a') => 7,
            Some(b'b') => 8,
            Some(b'v') => 11,
            Some(b'f') => 12,
            Some(digit @ b'0'..=b'3') => {
                let mut number = digit - b'0';
                for _ in 0..2 {
                    let next = rest.next_if(|next| (b'0'..=b'7').contains(next));
                    number = next.map_or(number, |next| number.wrapping_mul(8) + (next - b'0'));
                }
                number
            }
            Some(other) => other,
            None => b'\\',
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(touched: &Touched) -> Option<Vec<(u32, u32, u32)>> {
        let edits = touched.edits.as_ref()?;
        Some(edits.iter().map(|edit| (edit.first, edit.added, edit.removed)).collect())
    }

    #[test]
    fn a_diff_is_read_by_its_numbers_and_not_by_what_its_lines_look_like() {
        let diff = b"diff --git a/src/a b.rs b/src/a b.rs\nindex 1..2 100644\n--- a/src/a b.rs\t\n+++ b/src/a b.rs\t\n\
            @@ -3 +3,2 @@ fn f() {\n--- a/x\n+++ b/y\n+@@ -1 +1 @@\n@@ -9,2 +10,0 @@\n-one\n-two\n\\ No newline at end of file\n\
            diff --git a/x.sh b/x.sh\nold mode 100644\nnew mode 100755\n\
            diff --git a/old.rs b/new.rs\nsimilarity index 100%\nrename from old.rs\nrename to new.rs\n\
            diff --git a/logo.png b/logo.png\nindex 1..2 100644\nBinary files a/logo.png and b/logo.png differ\n\
            diff --git \"a/q\\\"\\303\\251.rs\" \"b/q\\\"\\303\\251.rs\"\nnew file mode 100644\n--- /dev/null\n\
            +++ \"b/q\\\"\\303\\251.rs\"\n@@ -0,0 +1,3 @@\n+a\n+b\n+c\n";
        let touched = files(diff);
        let paths: Vec<&str> = touched.iter().map(|file| &*file.path).collect();
        assert_eq!(paths, ["src/a b.rs", "x.sh", "new.rs", "logo.png", "q\"é.rs"]);
        let all: Vec<_> = touched.iter().map(edits).collect();
        assert_eq!(
            all,
            [Some(vec![(3, 2, 1), (11, 0, 2)]), Some(vec![]), Some(vec![]), None, Some(vec![(1, 3, 0)])]
        );
    }
}
