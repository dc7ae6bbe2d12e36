//! The grammars that structural rules can use. A new language is one more variant and its row in each table.

use std::borrow::Cow;

use ast_grep_core::language::Language;
use ast_grep_core::matcher::{Pattern, PatternBuilder, PatternError};
use ast_grep_core::tree_sitter::{LanguageExt, StrDoc, TSLanguage};

/// A parsed text.
pub type Tree = ast_grep_core::AstGrep<StrDoc<Grammar>>;

/// A grammar for structural rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    /// The Rust grammar of tree-sitter.
    Rust,
}

/// The node kinds of a grammar that carry meaning for every rule.
#[derive(Debug)]
pub(super) struct Words {
    /// Comments of every sort.
    pub(super) comments: &'static [&'static str],
    /// String and character literals, with their quotes.
    pub(super) strings: &'static [&'static str],
    /// Attributes in front of an item.
    pub(super) attributes: &'static [&'static str],
    /// Attributes inside the item that they are about.
    pub(super) inner_attributes: &'static [&'static str],
    /// Loops; their `body` field is what is repeated.
    pub(super) loops: &'static [&'static str],
    /// What asks before it goes on.
    pub(super) branches: &'static [&'static str],
    /// Functions with a name.
    pub(super) functions: &'static [&'static str],
    /// Functions without one, run who knows when.
    pub(super) closures: &'static [&'static str],
    /// Blocks that are futures.
    pub(super) async_blocks: &'static [&'static str],
}

impl Grammar {
    pub(super) const fn words(self) -> &'static Words {
        match self {
            Self::Rust => &Words {
                comments: &["line_comment", "block_comment"],
                strings: &["string_literal", "raw_string_literal", "char_literal"],
                attributes: &["attribute_item"],
                inner_attributes: &["inner_attribute_item"],
                loops: &["for_expression", "while_expression", "loop_expression"],
                branches: &["if_expression", "match_expression"],
                functions: &["function_item"],
                closures: &["closure_expression"],
                async_blocks: &["async_block"],
            },
        }
    }
}

impl Language for Grammar {
    fn kind_to_id(&self, kind: &str) -> u16 {
        self.get_ts_language().id_for_node_kind(kind, true)
    }

    fn field_to_id(&self, field: &str) -> Option<u16> {
        self.get_ts_language().field_id_for_name(field).map(std::num::NonZeroU16::get)
    }

    /// `$` is not a letter in Rust, so a pattern's `$NAME` is parsed with another sigil in its place.
    fn expando_char(&self) -> char {
        match self {
            Self::Rust => 'µ',
        }
    }

    fn pre_process_pattern<'q>(&self, query: &'q str) -> Cow<'q, str> {
        Cow::Owned(query.replace('$', &self.expando_char().to_string()))
    }

    fn build_pattern(&self, builder: &PatternBuilder<'_>) -> Result<Pattern, PatternError> {
        builder.build(|text| StrDoc::try_new(text, *self))
    }
}

impl LanguageExt for Grammar {
    fn get_ts_language(&self) -> TSLanguage {
        match self {
            Self::Rust => tree_sitter_rust::LANGUAGE.into(),
        }
    }
}
