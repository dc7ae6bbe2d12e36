//! The guide shows the service as it is.

use std::fs;
use std::path::Path;

/// Each piece of code in the guide stands under the name of a file, and in it, line for line.
#[test]
fn what_the_guide_quotes_is_the_service() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = fs::read_to_string(root.join("../../docs/embedding.md")).unwrap();
    let mut quotes = 0;
    let mut file = None;
    let mut parts = guide.split("```");
    while let (Some(text), Some(code)) = (parts.next(), parts.next()) {
        // The last link before a piece of code is where it stands.
        let link = text.rsplit_once("](../examples/axum_service/").and_then(|(_, link)| link.split_once(')'));
        file = link.map(|(path, _)| path.to_owned()).or(file);
        let Some(code) = code.strip_prefix("rust\n") else { continue };
        let path = file.as_ref().expect("a link to the file comes before its code");
        let source = fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        for piece in code.split("// …\n") {
            assert!(source.contains(piece.trim_end()), "{path} has no such lines:\n{piece}");
        }
        quotes += 1;
    }
    assert!(quotes >= 6, "the guide quotes the service, and was found to do so {quotes} times");
}
