//! Files that are not reviewed, and the words that say why.

/// Larger files are data, not source: 1 MiB.
pub const MAX_BYTES: usize = 1 << 20;

/// How much of a file is looked at to tell whether it is binary or generated.
const HEAD: usize = 8 * 1024;

/// Lines longer than this, on average, were not written by a person.
const MINIFIED_LINE: usize = 1_000;

/// Folders that hold what others wrote, wherever they stand.
const VENDORED: [&str; 16] = [
    "vendor",
    "vendored",
    "node_modules",
    "third_party",
    "third-party",
    "thirdparty",
    "bower_components",
    "jspm_packages",
    "site-packages",
    "dist-packages",
    "Godeps",
    "Pods",
    "Carthage",
    ".yarn",
    ".venv",
    "venv",
];

/// Folders that a build writes. Below a folder of sources these names are modules like others.
const BUILT: [&str; 3] = ["target", "dist", "__pycache__"];

/// How the names of generated files end.
const GENERATED: [&str; 9] = [
    ".pb.go",
    ".pb.rs",
    "_pb2.py",
    "_pb2_grpc.py",
    ".pb.cc",
    ".pb.h",
    "_generated.go",
    ".g.dart",
    ".designer.cs",
];

/// Why a file is refused by its path alone, before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::review) enum Refusal<'p> {
    /// It lies below a folder of others' code: the path of that folder, and its name.
    Vendored(&'p str, &'p str),
    /// It lies below a folder that a build writes.
    Built(&'p str, &'p str),
    Lock,
    Minified,
    Generated,
}

impl Refusal<'_> {
    /// The words for the reader.
    pub(in crate::review) fn words(self) -> String {
        match self {
            Self::Vendored(_, name) => format!("vendored (below `{name}/`): skipped"),
            Self::Built(_, name) => format!("built (below `{name}/`): skipped"),
            Self::Lock => "lock file: skipped".to_owned(),
            Self::Minified => "minified: skipped".to_owned(),
            Self::Generated => "generated: skipped".to_owned(),
        }
    }

    /// The folder that is refused as a whole.
    pub(in crate::review) const fn folder(&self) -> Option<&str> {
        match self {
            Self::Vendored(folder, _) | Self::Built(folder, _) => Some(folder),
            Self::Lock | Self::Minified | Self::Generated => None,
        }
    }
}

/// Why a file is refused by its path, if so.
pub(in crate::review) fn by_path(path: &str) -> Option<Refusal<'_>> {
    let mut start = 0;
    let mut in_sources = false;
    while let Some(length) = path[start..].find('/') {
        let (folder, name) = (&path[..start + length], &path[start..start + length]);
        if VENDORED.contains(&name) {
            return Some(Refusal::Vendored(folder, name));
        }
        if BUILT.contains(&name) && !in_sources {
            return Some(Refusal::Built(folder, name));
        }
        in_sources |= matches!(name, "src" | "lib" | "pkg" | "internal" | "source");
        start += length + 1;
    }
    let name = &path[start..];
    let lock = matches!(
        name,
        "Cargo.lock"
            | "package-lock.json"
            | "npm-shrinkwrap.json"
            | "yarn.lock"
            | "pnpm-lock.yaml"
            | "poetry.lock"
            | "Pipfile.lock"
            | "uv.lock"
            | "go.sum"
    );
    if lock {
        return Some(Refusal::Lock);
    }
    if [".min.js", ".min.mjs", ".min.css"].iter().any(|part| name.contains(part)) || name.ends_with(".map") {
        return Some(Refusal::Minified);
    }
    let generated = GENERATED.iter().any(|end| name.ends_with(end)) || name.starts_with("zz_generated");
    generated.then_some(Refusal::Generated)
}

/// Why a file is refused by its bytes.
pub(super) fn by_bytes(bytes: &[u8]) -> Option<String> {
    if bytes.len() > MAX_BYTES {
        return Some(format!(
            "larger than 1 MiB ({:.1} MiB): skipped",
            bytes.len() as f64 / MAX_BYTES as f64
        ));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Some("UTF-16, not UTF-8: skipped".to_owned());
    }
    memchr::memchr(0, bytes).map(|at| format!("binary (NUL at byte {at}): skipped"))
}

/// Why a file is refused by its text.
pub(super) fn by_text(text: &str) -> Option<String> {
    let lines = memchr::memchr_iter(b'\n', text.as_bytes()).count() + 1;
    if text.len() > HEAD && text.len() / lines > MINIFIED_LINE {
        return Some(format!("minified ({} bytes a line): skipped", text.len() / lines));
    }
    // A generator writes its mark into the first lines; prose that speaks of generated files lies further down.
    let marked = text.lines().take(20).take_while(|line| line.len() < 400).any(|line| {
        let comment = line.trim_start();
        let comment =
            ["//", "#", "/*", "*", "--", "<!--", ";", "\""].iter().any(|mark| comment.starts_with(mark));
        comment && (line.contains("@generated") || says_generated(line))
    });
    marked.then(|| "generated: skipped".to_owned())
}

/// "Code generated by X. DO NOT EDIT.", "automatically generated by rust-bindgen", and their like.
fn says_generated(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    let generated =
        ["generated by", "generated from", "automatically generated", "auto-generated", "autogenerated"];
    let hands_off = ["do not edit", "don't edit", "not edit this file", "do not modify", "bindgen"];
    generated.iter().any(|mark| line.contains(mark))
        && (hands_off.iter().any(|mark| line.contains(mark))
            || line.trim_start().starts_with("// automatically"))
}

#[cfg(test)]
mod tests {
    use super::super::Source;

    fn why(path: &str, bytes: &[u8]) -> Option<String> {
        Source::new(path, bytes.to_vec()).err().map(|note| note.why)
    }

    #[test]
    fn every_refusal_says_why_in_a_clear_line() {
        let long = "x = 1; ".repeat(4_000);
        let huge = vec![b'a'; super::MAX_BYTES + 1];
        for (path, bytes, expected) in [
            ("logo.png", b"\x89PNG\0\0".as_slice(), "binary (NUL at byte 4): skipped"),
            ("a.rs", b"ok \xff no", "not UTF-8 from byte 3 on: skipped"),
            ("a.txt", b"\xff\xfea\0", "UTF-16, not UTF-8: skipped"),
            ("a.rs", &huge, "larger than 1 MiB (1.0 MiB): skipped"),
            ("a.js", long.as_bytes(), "minified (28000 bytes a line): skipped"),
            ("a/vendor/b.rs", b"", "vendored (below `vendor/`): skipped"),
            ("web/node_modules/a/b.js", b"", "vendored (below `node_modules/`): skipped"),
            ("a/third_party/b/c.rs", b"", "vendored (below `third_party/`): skipped"),
            ("target/debug/build/a.rs", b"", "built (below `target/`): skipped"),
            ("web/dist/page.js", b"", "built (below `dist/`): skipped"),
            ("api/user.pb.go", b"", "generated: skipped"),
            ("web/page.min.js", b"", "minified: skipped"),
            ("Cargo.lock", b"", "lock file: skipped"),
            ("a.rs", b"// @generated by protoc\n", "generated: skipped"),
            ("a.go", b"// Code generated by stringer; DO NOT EDIT.\n", "generated: skipped"),
        ] {
            assert_eq!(why(path, bytes).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn ordinary_files_are_not_refused() {
        for (path, bytes) in [
            ("src/vendor.rs", "fn a() {}".as_bytes()),
            ("src/target/mod.rs", b"fn a() {}"),
            ("crates/up/src/dist/manifest.rs", b"fn a() {}"),
            ("src/targets.rs", b"fn a() {}"),
            ("src/lib.rs", b"//! Reads tables generated by hand.\n"),
            ("src/lib.rs", b"let s = \"@generated\";\n"),
            ("empty.rs", b""),
        ] {
            assert_eq!(why(path, bytes), None, "{path}");
        }
    }
}
