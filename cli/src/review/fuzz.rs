//! Whatever a file holds, a review of it ends and says something sensible.

use proptest::prelude::*;

use crate::review::report::text::{Layout, Paint};
use crate::review::source::View;
use crate::review::{Category, Config, Finding, RuleSet, Source, apply, merge};

/// Words that rules look for, in any order: they reach deeper than letters by chance.
const WORDS: [&str; 44] = [
    "fn f",
    "async ",
    "unsafe ",
    "{",
    "}",
    "(",
    ")",
    "\"",
    "'",
    "\\",
    "//",
    "/*",
    "*/",
    "r#\"",
    "\n",
    "\r\n",
    "\t",
    " ",
    ";",
    "é",
    "日",
    "\u{1f41d}",
    "let g = m.lock().unwrap()",
    ".await",
    "for x in y ",
    "#[test]",
    "#[cfg(test)]",
    "#[ignore]",
    "assert_eq!(1, 1)",
    "format!(\"select a from b where c = {d}\")",
    "Regex::new(\"a\")",
    "x.remove(0)",
    "todo!()",
    "// TODO: x",
    "<<<<<<< a\n",
    "\n=======\n",
    "\n>>>>>>> b",
    "password = \"tR7xQ2mZ9vKp4LwB8nYc\"",
    "`${a}`",
    "'''",
    "skep:ignore-file tests/sleep",
    "# skep:ignore style/a",
    "thread::sleep(d)",
    "AKIAQ3EGVB7XNTPLWZ5M", // skep:ignore security/known-token -- a made-up one
];

const PATHS: [&str; 8] = ["src/a.rs", "tests/a.rs", "a.py", "a.test.ts", "a.js", "a.go", "a.sh", "notes.md"];

fn review(path: &str, bytes: &[u8]) -> Vec<Finding> {
    let findings = Category::ALL.into_iter().filter_map(|category| {
        let source = Source::new(path, bytes.to_vec()).ok()?;
        for view in [View::Code, View::Uncommented, View::Unquoted, View::Comments] {
            assert!(source.view(view).is_none_or(|view| view.len() == bytes.len()));
        }
        Some(apply(category, RuleSet::embedded(), &Config::default(), &source))
    });
    merge(findings.flatten().collect())
}

fn is_sensible(findings: Vec<Finding>, bytes: &[u8]) {
    let lines = u32::try_from(bytes.split(|byte| *byte == b'\n').count()).unwrap();
    for finding in &findings {
        assert!(finding.line >= 1 && finding.line <= lines, "{finding:?}");
        assert!(finding.end_line.is_none_or(|last| last > finding.line && last <= lines), "{finding:?}");
    }
    let mut report = crate::review::report::sample::empty();
    report.findings = findings;
    for paint in [Paint::Plain, Paint::Colours] {
        let _ = crate::review::report::text::render(&report, Layout { paint, width: 0, at_most: 3 });
    }
    let _ = crate::review::report::markdown::render(&report, 3);
    let _ = crate::review::report::sarif::render(&report, RuleSet::embedded());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_reviewed_or_refused(path in prop::sample::select(&PATHS[..]), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        is_sensible(review(path, &bytes), &bytes);
    }

    #[test]
    fn any_text_of_telling_words_is_reviewed(
        path in prop::sample::select(&PATHS[..]),
        words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..60),
    ) {
        let text = words.concat();
        is_sensible(review(path, text.as_bytes()), text.as_bytes());
    }

    #[test]
    fn any_letters_are_reviewed(path in prop::sample::select(&PATHS[..]), text in "\\PC{0,200}") {
        is_sensible(review(path, text.as_bytes()), text.as_bytes());
    }
}

#[test]
fn deep_and_long_texts_do_not_end_the_review() {
    let depth = crate::review::source::MAX_NESTING - 10;
    let long = 20_000;
    for text in [
        format!("fn f() {{ {}{} }}", "(".repeat(depth), ")".repeat(depth)),
        "{\n".repeat(250_000),
        format!("fn f() {{ {} }}", "if a {\n".repeat(depth) + &"}".repeat(depth)),
        format!("async fn f() {{ {}1 }}", "std::thread::sleep(d) +\n".repeat(long)),
        format!("fn f() {{ x{} }}", ".a()\n".repeat(long)),
        format!("fn f() {{ {}a }}", "!\n".repeat(long)),
        format!("fn f() {{ {} }}", "for a in b {\n".repeat(depth) + "x.remove(0);" + &"}".repeat(depth)),
        "#[test]\n".repeat(long),
        "#[test] fn t() { let a = 1; }\n".repeat(long),
        "fn f() { unsafe { a } }\n".repeat(long),
        "/*\n".repeat(long),
        "\"\n".repeat(long),
        "<<<<<<< a\n".repeat(long),
        format!("// {}", "a\n// ".repeat(200_000)),
    ] {
        let path = if text.starts_with("#[test]") { "tests/a.rs" } else { "src/a.rs" };
        is_sensible(review(path, text.as_bytes()), text.as_bytes());
    }
}
