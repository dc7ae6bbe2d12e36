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

/// Languages without rules, by how their files end.
const OTHERS: [(&str, &str); 36] = [
    ("rb", "Ruby"),
    ("php", "PHP"),
    ("swift", "Swift"),
    ("dart", "Dart"),
    ("ex", "Elixir"),
    ("exs", "Elixir"),
    ("erl", "Erlang"),
    ("hrl", "Erlang"),
    ("hs", "Haskell"),
    ("ml", "OCaml"),
    ("mli", "OCaml"),
    ("lua", "Lua"),
    ("pl", "Perl"),
    ("pm", "Perl"),
    ("r", "R"),
    ("jl", "Julia"),
    ("zig", "Zig"),
    ("nim", "Nim"),
    ("clj", "Clojure"),
    ("fs", "F#"),
    ("vb", "Visual Basic"),
    ("m", "Objective-C"),
    ("sql", "SQL"),
    ("proto", "Protocol Buffers"),
    ("tf", "Terraform"),
    ("nix", "Nix"),
    ("ps1", "PowerShell"),
    ("asm", "assembly"),
    ("s", "assembly"),
    ("css", "CSS"),
    ("scss", "CSS"),
    ("html", "HTML"),
    ("htm", "HTML"),
    ("xml", "XML"),
    ("dockerfile", "Dockerfile"),
    ("makefile", "make"),
];

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

    /// What people call the language of a file, also of one that there are no rules for.
    #[must_use]
    pub fn name_of(path: &str) -> &'static str {
        match Self::of(path) {
            Self::Other => {
                let name = path.rsplit('/').next().unwrap_or(path);
                let extension = name.rsplit_once('.').map_or(name, |(_, extension)| extension);
                OTHERS
                    .iter()
                    .find(|(known, _)| known.eq_ignore_ascii_case(extension))
                    .map_or("other text", |(_, name)| name)
            }
            language => language.name(),
        }
    }

    /// The language of this name, where there may be rules for it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }

    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
            Self::TypeScript => "TypeScript",
            Self::Go => "Go",
            Self::Java => "Java, Kotlin, Scala and C#",
            Self::C => "C and C++",
            Self::Shell => "shell",
            Self::Settings => "settings",
            Self::Json => "JSON",
            Self::Prose => "prose",
            Self::Other => "other text",
        }
    }

    const ALL: [Self; 12] = [
        Self::Rust,
        Self::Python,
        Self::JavaScript,
        Self::TypeScript,
        Self::Go,
        Self::Java,
        Self::C,
        Self::Shell,
        Self::Settings,
        Self::Json,
        Self::Prose,
        Self::Other,
    ];

    /// The grammar for structural rules, where there is one.
    #[must_use]
    pub const fn grammar(self) -> Option<Grammar> {
        match self {
            Self::Rust => Some(Grammar::Rust),
            _ => None,
        }
    }
}
