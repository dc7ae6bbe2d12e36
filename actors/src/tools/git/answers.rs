//! Reads what git prints. All lists are separated by NUL, since a path may hold everything else.

use super::super::files::{Content, Entry};

/// The folder's path in the repository; none outside a work tree.
pub(super) fn prefix(printed: &[u8]) -> Option<String> {
    let printed = String::from_utf8_lossy(printed);
    let (inside, prefix) = printed.split_once('\n')?;
    (inside == "true").then(|| prefix.trim_end_matches('\n').to_owned())
}

/// Paths.
pub(super) fn paths(printed: &[u8]) -> Vec<String> {
    let paths = printed.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    paths.map(|path| String::from_utf8_lossy(path).into_owned()).collect()
}

/// Lines of `ls-tree -l`: mode, type, object, size, tab, path.
pub(super) fn entries(printed: &[u8]) -> Vec<Entry> {
    let entry = |line: &[u8]| {
        let line = String::from_utf8_lossy(line).into_owned();
        let (about, path) = line.split_once('\t')?;
        let mut about = about.split_whitespace();
        let mode = about.next()?;
        let bytes = about.nth(2)?.parse().ok()?;
        mode.starts_with("100").then(|| Entry { path: path.to_owned(), bytes })
    };
    printed.split(|byte| *byte == 0).filter_map(entry).collect()
}

/// What `cat-file --batch` prints: for each name a line with object, type and size, the content and a line break; or a
/// line that ends in the word for why there is none.
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
}
