//! Parses what git prints. All lists are separated by NUL, since a path may contain anything else.

use std::collections::BTreeSet;

use super::super::files::{Content, Entry};
use super::Answer;

/// The folder's path in the repository; none outside a work tree.
pub(super) fn prefix(printed: &[u8]) -> Option<String> {
    let printed = String::from_utf8_lossy(printed);
    let (inside, prefix) = printed.split_once('\n')?;
    (inside == "true").then(|| prefix.trim_end_matches('\n').to_owned())
}

/// The folder's path in the repository, and the object that was requested with it.
pub(super) fn place(printed: &[u8]) -> Option<(String, String)> {
    let at = printed.iter().position(|byte| *byte == b'\n')?;
    Some((String::from_utf8_lossy(&printed[..at]).into_owned(), object(&printed[at + 1..])?))
}

/// The full name of one object.
pub(super) fn object(printed: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(printed).ok()?.trim();
    let is_whole = matches!(name.len(), 40 | 64) && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_whole.then(|| name.to_owned())
}

/// Whether a path from git, which has `/` on every system, can only be below the folder in which it is looked up.
pub(super) fn is_below(path: &str) -> bool {
    !path.contains('\0') && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Paths below the folder.
pub(super) fn paths(printed: &[u8]) -> Vec<String> {
    let paths = printed.split(|byte| *byte == 0).map(|path| String::from_utf8_lossy(path).into_owned());
    paths.filter(|path| is_below(path)).collect()
}

/// Settings that make every filter do nothing, given the keys of the filters' settings.
pub(super) fn filters(printed: &[u8]) -> Answer<Vec<(String, &'static str)>> {
    let mut names = BTreeSet::new();
    for key in printed.split(|byte| *byte == 0).filter(|key| !key.is_empty()) {
        let key = std::str::from_utf8(key).map_err(|_| "a filter in the settings has no name in UTF-8")?;
        names.extend(key.rsplit_once('.').map(|(filter, _)| filter));
    }
    let idle = [("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")];
    let of = |filter: &str| idle.map(|(part, value)| (format!("{filter}.{part}"), value));
    Ok(names.into_iter().flat_map(of).collect())
}

/// Lines of `ls-tree -l`: mode, type, object, size, tab, path.
pub(super) fn entries(printed: &[u8]) -> Vec<Entry> {
    let entry = |line: &[u8]| {
        let line = String::from_utf8_lossy(line).into_owned();
        let (about, path) = line.split_once('\t')?;
        let mut about = about.split_whitespace();
        let mode = about.next()?;
        let bytes = about.nth(2)?.parse().ok()?;
        (mode.starts_with("100") && is_below(path)).then(|| Entry { path: path.to_owned(), bytes })
    };
    printed.split(|byte| *byte == 0).filter_map(entry).collect()
}

/// The output of `cat-file --batch`: for each name a line with object, type and size, then the content and a line break;
/// or a line that ends in a word that says why there is no content.
pub(super) fn blobs(printed: &[u8], count: usize) -> Vec<Content> {
    let missing = || Content::Unreadable("git has no such file".to_owned());
    let mut contents = Vec::with_capacity(count);
    let mut rest = printed;
    while contents.len() < count {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { break };
        let about = String::from_utf8_lossy(&rest[..end]);
        rest = &rest[end + 1..];
        let mut words = about.rsplit(' ');
        let size = words.next().and_then(|size| size.parse::<usize>().ok());
        match (size, words.next()) {
            (Some(size), Some("blob")) if size < rest.len() => {
                contents.push(Content::of(rest[..size].to_vec()));
                rest = &rest[size + 1..];
            }
            (Some(size), _) if size < rest.len() => {
                contents.push(missing());
                rest = &rest[size + 1..];
            }
            _ => contents.push(missing()),
        }
    }
    contents.resize_with(count, missing);
    contents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_leaves_symlinks_and_submodules_out() {
        let lines = [
            "100644 blob aa      12\tsrc/a b.rs",
            "120000 blob bb 3\tlink",
            "160000 commit cc -\tsub",
            "100755 blob dd 7\tx",
            "",
        ];
        let printed = lines.join("\0");
        let files = entries(printed.as_bytes());
        assert_eq!(
            files.iter().map(|file| (&*file.path, file.bytes)).collect::<Vec<_>>(),
            [("src/a b.rs", 12), ("x", 7)]
        );
    }

    #[test]
    fn contents_come_in_order_with_a_word_for_each_that_is_missing() {
        let printed = b"aa blob 4\na\nb\n\nHEAD:x y missing\nbb blob 0\n\n";
        let read = blobs(printed, 4);
        assert_eq!(read[0], Content::Text("a\nb\n".into()));
        assert!(matches!(read[1], Content::Unreadable(_)));
        assert_eq!(read[2], Content::Text(String::new()));
        assert!(matches!(read[3], Content::Unreadable(_)), "what was not printed is missing too");
    }

    #[test]
    fn a_prefix_is_only_that_of_a_work_tree() {
        assert_eq!(prefix(b"true\nsub/dir/\n").as_deref(), Some("sub/dir/"));
        assert_eq!(prefix(b"true\n\n").as_deref(), Some(""));
        assert_eq!(prefix(b"false\n\n"), None);
    }

    #[test]
    fn only_a_whole_name_is_an_object() {
        let name = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(object(format!("{name}\n").as_bytes()).as_deref(), Some(name));
        for other in ["", "HEAD", "--output=x", "^0123456789abcdef0123456789abcdef01234567"] {
            assert_eq!(object(other.as_bytes()), None, "{other}");
        }
        assert_eq!(object(format!("{name}\n{name}\n").as_bytes()), None);
    }

    #[test]
    fn paths_that_lead_elsewhere_are_none() {
        for path in ["", "/etc/passwd", "..", "a/../../b", "./a", "a//b", "a/", "a\0b"] {
            assert!(!is_below(path), "{path:?}");
        }
        for path in ["a", "...", "a/..b/c.", "-x", "a\\..\\b", ":(top)"] {
            assert!(is_below(path), "{path:?}");
        }
        assert_eq!(paths(b"a\0../b\0/c\0"), ["a"]);
        assert_eq!(entries(b"100644 blob aa 1\t../x\x00100644 blob aa 1\ty\0").len(), 1);
    }

    #[test]
    fn each_filter_of_the_settings_is_made_idle_whatever_its_name() {
        let idle = filters(b"filter.a.b=c.clean\0filter.a.b=c.smudge\0filter.lfs.process\0").unwrap();
        let keys: Vec<_> = idle.iter().map(|(key, _)| &**key).collect();
        assert!(keys.contains(&"filter.a.b=c.clean") && keys.contains(&"filter.lfs.required"), "{keys:?}");
        assert_eq!(keys.len(), 8);
        assert!(filters(b"filter.\xff.clean\0").is_err());
    }
}
