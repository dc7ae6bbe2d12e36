//! The blocks around a place in a language without a grammar: enough to tell whether code runs in an async function or in a loop.
//!
//! It reads a view without comments and the insides of strings, by indentation or by braces. What it cannot make out is a
//! plain block: a rule that asks for more stays silent.

mod braces;
mod indentation;

use std::ops::Range;

use super::Language;

/// What a block is to the code in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The body of a function, which runs when it is called.
    Function { is_async: bool },
    /// What a loop repeats.
    Loop,
    /// Anything else.
    Plain,
}

/// The blocks of one file.
#[derive(Debug, Default)]
pub struct Blocks {
    /// Sorted by their start, so that of those around a place the last is the innermost.
    blocks: Vec<(Range<usize>, Kind)>,
}

impl Blocks {
    /// Reads the blocks of a text whose comments and strings are blanked.
    pub(super) fn of(language: Language, code: &str) -> Self {
        let mut blocks = match language {
            Language::Python => indentation::blocks(code),
            Language::JavaScript | Language::TypeScript | Language::Go => braces::blocks(language, code),
            _ => Vec::new(),
        };
        blocks.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        Self { blocks }
    }

    /// Whether the nearest function around the place is async.
    #[must_use]
    pub fn is_async(&self, at: usize) -> bool {
        let functions = self.around(at).filter_map(|kind| match kind {
            Kind::Function { is_async } => Some(is_async),
            _ => None,
        });
        functions.into_iter().next().unwrap_or(false)
    }

    /// Whether a loop of the place's own function repeats it.
    #[must_use]
    pub fn is_repeated(&self, at: usize) -> bool {
        self.around(at)
            .take_while(|kind| !matches!(kind, Kind::Function { .. }))
            .any(|kind| kind == Kind::Loop)
    }

    /// The blocks around a place, the innermost first.
    fn around(&self, at: usize) -> impl Iterator<Item = Kind> + '_ {
        let before = self.blocks.partition_point(|(range, _)| range.start <= at);
        self.blocks[..before]
            .iter()
            .rev()
            .filter(move |(range, _)| range.contains(&at))
            .map(|(_, kind)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Source, View};

    /// What holds at each `@` of a text, which is taken out: async as `a`, a loop as `l`.
    fn marks(path: &str, text: &str) -> Vec<String> {
        let plain = text.replace('@', "x");
        let source = Source::new(path, plain.into_bytes()).unwrap();
        assert!(source.view(View::Code).is_some());
        let mark = |at: usize| {
            let blocks = source.blocks();
            let mark = |is: bool, letter: &str| if is { letter.to_owned() } else { String::new() };
            mark(blocks.is_async(at), "a") + &mark(blocks.is_repeated(at), "l")
        };
        text.match_indices('@').map(|(at, _)| mark(at)).collect()
    }

    #[test]
    fn python_tells_them_by_indentation() {
        let text = "\
async def f(
    a,
):
    @
    for x in y:
        @
        def g():
            @
        call(
@
        )
        call(lambda: @)
    else:
        '''
x
'''
        @
    @
def h():
    while a: @
async def i(): @
class C:
    async def j(self):
        with b:
            @
    @
@";
        assert_eq!(marks("a.py", text), ["a", "al", "", "al", "", "a", "a", "l", "a", "a", "", ""]);
    }

    #[test]
    fn javascript_tells_them_by_braces_and_arrows() {
        for (text, expected) in [
            ("async function f(a = {b: 1}) { @; for (let i = 0; i < 9; i++) { @ } }", vec!["a", "al"]),
            ("function f() { @ } async () => { @ }", vec!["", "a"]),
            ("app.get('/', async ({ a }, res) => { @; list.map(x => { @ }); @ });", vec!["a", "", "a"]),
            ("class A { async b() { @ } c() { @ } static async d(e) { if (x) { @ } } }", vec!["a", "", "a"]),
            ("const f = async () => g(@); const h = () => g(@); @", vec!["a", "", ""]),
            ("async function f() { await Promise.all(a.map(b => c(@))); @ }", vec!["", "a"]),
            ("const o = { async a() { while (b) { @ } }, c: async function () { @ } }", vec!["al", "a"]),
            ("async function f() { setTimeout(function () { @ }, 1); }", vec![""]),
        ] {
            assert_eq!(marks("a.js", text), expected, "{text}");
        }
        assert_eq!(marks("a.ts", "class A { async b(c: D): Promise<void> { @ } }"), ["a"]);
    }

    #[test]
    fn go_knows_loops_and_functions() {
        let text = "\
func (s *S) f(a int) (b error) {
	@
	for _, x := range y {
		@
		if a { @ }
		func() { @ }()
		go func(z T) {
			for { @ }
		}(x)
	}
	@
}";
        assert_eq!(marks("a.go", text), ["", "l", "l", "", "l", ""]);
    }
}
