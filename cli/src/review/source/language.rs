//! What a file is written in, by its name.

use serde::Deserialize;

use super::Grammar;

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// `.rs`
    Rust,
    /// `.py`, `.pyi`
    Python,
    /// `.js`, `.jsx`, `.mjs`, `.cjs`, and the script-heavy `.vue` and `.svelte`
    JavaScript,
    /// `.ts`, `.tsx`, `.mts`, `.cts`
    TypeScript,
    /// `.go`
    Go,
    /// `.java`, `.kt`, `.scala`, `.cs`: enough alike for rules about lines
    Java,
    /// `.c`, `.h`, `.cc`, `.cpp`, `.hpp`
    C,
    /// `.sh`, `.bash`, `.zsh`, `.env`
    Shell,
    /// `.toml`, `.yaml`, `.yml`, `.ini`, `.cfg`, `.properties`
    Settings,
    /// `.json`
    Json,
    /// `.md`, `.rst`, `.txt`, `.adoc`
    Prose,
    /// Any other text
    Other,
}

impl Language {
    /// The language by the file's name.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.starts_with(".env") {
            return Self::Shell;
        }
        match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "rs" => Self::Rust,
            "py" | "pyi" => Self::Python,
            "js" | "jsx" | "mjs" | "cjs" | "vue" | "svelte" => Self::JavaScript,
            "ts" | "tsx" | "mts" | "cts" => Self::TypeScript,
            "go" => Self::Go,
            "java" | "kt" | "scala" | "cs" => Self::Java,
            "c" | "h" | "cc" | "cpp" | "hpp" => Self::C,
            "sh" | "bash" | "zsh" => Self::Shell,
            "toml" | "yaml" | "yml" | "ini" | "cfg" | "properties" => Self::Settings,
            "json" => Self::Json,
            "md" | "rst" | "txt" | "adoc" => Self::Prose,
            _ => Self::Other,
        }
    }

    /// The grammar for structural rules, where there is one.
    #[must_use]
    pub const fn grammar(self) -> Option<Grammar> {
        match self {
            Self::Rust => Some(Grammar::Rust),
            _ => None,
        }
    }
}
