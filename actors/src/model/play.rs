//! An answer as a provider gives it, chunk by chunk over time: what scripts and simulations are made of.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::stream;
use serde_json::Value;
use skep_runtime::Env;

use super::request::tokens_about;
use super::traffic::Visit;
use super::{Chunk, Chunks, End, ModelError, Request, Tokens, ToolPiece};

/// What a provider does with one request: what it sends, when, and how it ends.
///
/// ```
/// use std::time::Duration;
/// use skep_actors::model::Answer;
///
/// let slow = Answer::says("one word at a time").slowly(Duration::from_millis(50));
/// let busy = Answer::rate_limited(Duration::from_secs(2));
/// let broken = Answer::says("and then the line").cut();
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    beats: Vec<Beat>,
    calls: u32,
    pace: Duration,
    finish: Finish,
    tokens: Option<Tokens>,
    is_silent: bool,
}

/// One thing that a provider does while it answers.
#[derive(Clone, Debug, PartialEq)]
enum Beat {
    Wait(Duration),
    Send(Chunk),
}

/// How an answer ends.
#[derive(Clone, Debug, PartialEq)]
enum Finish {
    Ends(End),
    Cuts,
    Hangs,
    Fails(ModelError),
}

impl Answer {
    fn finishing(finish: Finish) -> Self {
        let (beats, pace) = (Vec::new(), Duration::ZERO);
        Self { beats, calls: 0, pace, finish, tokens: None, is_silent: false }
    }

    /// Says nothing, and ends.
    #[must_use]
    pub fn new() -> Self {
        Self::finishing(Finish::Ends(End::Stop))
    }

    /// Says a text, a chunk for each word, and ends.
    #[must_use]
    pub fn says(text: impl AsRef<str>) -> Self {
        Self::new().text(text)
    }

    /// Rejects the request, to be tried again after this time.
    #[must_use]
    pub fn rate_limited(retry_after: Duration) -> Self {
        Self::fails(ModelError::RateLimited { retry_after: Some(retry_after) })
    }

    /// Fails at once.
    #[must_use]
    pub fn fails(error: ModelError) -> Self {
        Self::finishing(Finish::Fails(error))
    }

    /// Never sends anything.
    #[must_use]
    pub fn hangs() -> Self {
        Self::finishing(Finish::Hangs)
    }

    /// Then says a text, a chunk for each word.
    #[must_use]
    pub fn text(mut self, text: impl AsRef<str>) -> Self {
        let words = text.as_ref().split_inclusive(' ');
        self.beats.extend(words.map(|word| Beat::Send(Chunk::Text(word.to_owned()))));
        self
    }

    /// Then calls a tool.
    #[must_use]
    pub fn calls(self, tool: &str, arguments: &Value) -> Self {
        self.calls_with(tool, &arguments.to_string())
    }

    /// Then calls a tool with these arguments, valid JSON or not, in pieces of a few bytes.
    #[must_use]
    pub fn calls_with(mut self, tool: &str, arguments: &str) -> Self {
        let index = self.calls;
        self.calls += 1;
        let id = Some(format!("call-{}", index + 1));
        let first = ToolPiece { index, id, name: Some(tool.to_owned()), arguments: String::new() };
        self.beats.push(Beat::Send(Chunk::ToolCall(first)));
        let mut rest = arguments;
        while !rest.is_empty() {
            let at = (6..rest.len()).find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
            let (piece, later) = rest.split_at(at);
            let piece = ToolPiece { index, arguments: piece.to_owned(), ..ToolPiece::default() };
            self.beats.push(Beat::Send(Chunk::ToolCall(piece)));
            rest = later;
        }
        self.finish = Finish::Ends(End::ToolCalls);
        self
    }

    /// Then does nothing for a while.
    #[must_use]
    pub fn waits(mut self, pause: Duration) -> Self {
        self.beats.push(Beat::Wait(pause));
        self
    }

    /// Waits this long before each chunk.
    #[must_use]
    pub const fn slowly(mut self, pause: Duration) -> Self {
        self.pace = pause;
        self
    }

    /// Is cut off at this point, without an end.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.finish = Finish::Cuts;
        self
    }

    /// Sends nothing more after this point, and never ends.
    #[must_use]
    pub fn then_hangs(mut self) -> Self {
        self.finish = Finish::Hangs;
        self
    }

    /// Fails at this point.
    #[must_use]
    pub fn then_fails(mut self, error: ModelError) -> Self {
        self.finish = Finish::Fails(error);
        self
    }

    /// Bills these tokens; by default about as many as the text has.
    #[must_use]
    pub const fn using(mut self, tokens: Tokens) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Sends no usage, as some servers do.
    #[must_use]
    pub const fn without_usage(mut self) -> Self {
        self.is_silent = true;
        self
    }

    /// How many chunks of text and tool calls it sends.
    pub(super) const fn len(&self) -> usize {
        self.beats.len()
    }

    /// Pauses in the middle, before beat number `at`.
    pub(super) fn stalls_at(mut self, at: usize, pause: Duration) -> Self {
        self.beats.insert(at.min(self.beats.len()), Beat::Wait(pause));
        self
    }

    /// Is cut off after `at` beats.
    pub(super) fn cut_after(mut self, at: usize) -> Self {
        self.beats.truncate(at);
        self.cut()
    }

    /// Ends because it may write no more tokens.
    pub(super) fn at_length(mut self) -> Self {
        self.finish = Finish::Ends(End::Length);
        self
    }

    /// All that is done for a request, in order; it ends early if the request allows no more tokens.
    fn moves(self, request: &Request) -> VecDeque<Move> {
        let most = request.max_output_tokens.unwrap_or(u64::MAX);
        let (mut moves, mut bytes, mut finish) = (VecDeque::new(), 0, self.finish);
        for beat in self.beats {
            let chunk = match beat {
                Beat::Wait(pause) => {
                    moves.push_back(Move::Wait(pause));
                    continue;
                }
                Beat::Send(chunk) => chunk,
            };
            let longer = bytes + chunk.bytes();
            if self.tokens.is_none() && tokens_about(longer) > most {
                finish = Finish::Ends(End::Length);
                break;
            }
            bytes = longer;
            if !self.pace.is_zero() {
                moves.push_back(Move::Wait(self.pace));
            }
            moves.push_back(Move::Send(chunk));
        }
        match finish {
            Finish::Ends(end) => {
                moves.push_back(Move::Send(Chunk::End(end)));
                let about = || Tokens::inclusive(request.tokens_about(), 0, tokens_about(bytes));
                let tokens = self.tokens.unwrap_or_else(about);
                moves.extend((!self.is_silent).then_some(Move::Send(Chunk::Usage(tokens))));
            }
            Finish::Cuts => {}
            Finish::Hangs => moves.push_back(Move::Hang),
            Finish::Fails(error) => moves.push_back(Move::Fail(error)),
        }
        moves
    }

    /// Plays the answer to a request, in real or simulated time.
    pub(super) fn play(self, request: &Request, env: &Env, visit: Visit) -> Chunks {
        let playing = Playing { moves: self.moves(request), env: env.clone(), visit };
        Box::pin(stream::unfold(playing, |mut playing| async move {
            let item = playing.next().await?;
            Some((item, playing))
        }))
    }
}

impl Default for Answer {
    fn default() -> Self {
        Self::new()
    }
}

impl Chunk {
    /// How many bytes the model wrote with it.
    const fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::ToolCall(piece) => {
                let name = match &piece.name {
                    Some(name) => name.len(),
                    None => 0,
                };
                name + piece.arguments.len()
            }
            Self::Usage(_) | Self::End(_) => 0,
        }
    }
}

/// A step that is still to be done.
enum Move {
    Wait(Duration),
    Send(Chunk),
    Hang,
    Fail(ModelError),
}

struct Playing {
    moves: VecDeque<Move>,
    env: Env,
    visit: Visit,
}

impl Playing {
    async fn next(&mut self) -> Option<Result<Chunk, ModelError>> {
        loop {
            let next = self.moves.pop_front();
            let is_last = self.moves.is_empty() && !matches!(next, Some(Move::Wait(_) | Move::Hang));
            if is_last {
                self.visit.end();
            }
            match next? {
                Move::Wait(pause) => self.env.sleep_until(self.env.now() + pause).await,
                Move::Send(chunk) => return Some(Ok(chunk)),
                Move::Hang => std::future::pending().await,
                Move::Fail(error) => return Some(Err(error)),
            }
        }
    }
}

/// What tests ask about an answer.
#[cfg(test)]
impl Answer {
    /// How it ends, if it comes to an end, and the tokens it bills.
    pub(super) const fn is_whole(&self) -> Option<(End, Option<Tokens>)> {
        match self.finish {
            Finish::Ends(end) => Some((end, self.tokens)),
            _ => None,
        }
    }

    /// The arguments of its tool calls.
    pub(super) fn arguments(&self) -> String {
        let piece = |beat: &Beat| match beat {
            Beat::Send(Chunk::ToolCall(piece)) => Some(piece.arguments.clone()),
            _ => None,
        };
        self.beats.iter().filter_map(piece).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(answer: Answer, request: &Request) -> Vec<Chunk> {
        let chunk = |step| match step {
            Move::Send(chunk) => Some(chunk),
            _ => None,
        };
        answer.moves(request).into_iter().filter_map(chunk).collect()
    }

    #[test]
    fn a_text_is_sent_word_by_word_with_an_end_and_a_usage() {
        let request = Request::from("four");
        let text = |text: &str| Chunk::Text(text.into());
        assert_eq!(
            sent(Answer::says("a few words"), &request),
            [
                text("a "),
                text("few "),
                text("words"),
                Chunk::End(End::Stop),
                Chunk::Usage(Tokens::inclusive(1, 0, 3))
            ]
        );
        assert_eq!(sent(Answer::says("a").without_usage(), &request), [text("a"), Chunk::End(End::Stop)]);
        assert_eq!(sent(Answer::says("a b").cut(), &request), [text("a "), text("b")]);
    }

    #[test]
    fn no_more_is_said_than_the_request_allows() {
        let request = Request::from("four").max_output_tokens(2);
        let chunks = sent(Answer::says("one two three four"), &request);
        let Some(Chunk::Usage(tokens)) = chunks.last() else { panic!("{chunks:?}") };
        assert!(tokens.output <= 2 && chunks.contains(&Chunk::End(End::Length)), "{chunks:?}");
    }
}
