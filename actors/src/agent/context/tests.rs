use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::model::ToolCall;

/// A round of calls, given the length of each output.
fn round(number: usize, outputs: &[usize]) -> Vec<Message> {
    let call =
        |at: usize| ToolCall { id: format!("{number}-{at}"), name: "read".into(), arguments: "{}".into() };
    let calls: Vec<_> = (0..outputs.len()).map(call).collect();
    let said = Message::Assistant { text: "Let me see.".into(), tool_calls: calls.clone() };
    let results = calls.iter().zip(outputs).map(|(call, length)| Message::tool(call, "é".repeat(length / 2)));
    std::iter::once(said).chain(results).collect()
}

fn talk(before: usize, rounds: &[Vec<usize>]) -> Conversation {
    let mut messages: Vec<_> = (0..before)
        .flat_map(|n| [Message::user(format!("earlier {n}")), Message::assistant("yes".repeat(40))])
        .collect();
    let task = messages.len();
    messages.push(Message::user("the task"));
    messages.extend(rounds.iter().enumerate().flat_map(|(number, outputs)| round(number, outputs)));
    Conversation { messages, task }
}

fn texts(talk: &Conversation) -> Vec<&str> {
    talk.messages.iter().map(Message::text).collect()
}

#[test]
fn old_outputs_go_first_then_old_exchanges_then_the_ends_of_the_latest_outputs() {
    let long = talk(1, &[vec![4_000], vec![100], vec![4_000, 2_000]]);
    let whole = bytes_of(&long.messages);
    assert_eq!(reduce(long.clone(), whole), long, "what fits is left alone");
    let pruned = reduce(long.clone(), whole - 1_000);
    assert_eq!(texts(&pruned)[4], "[this output of 4000 bytes was cut to make room]");
    assert_eq!((pruned.messages.len(), &texts(&pruned)[7..]), (10, &texts(&long)[7..]));
    let shorter = reduce(long.clone(), 6_150);
    assert_eq!(texts(&shorter)[..2], ["earlier 0", "the task"], "and the answer between them is gone");
    assert_eq!(shorter.task, 1);
    let least = reduce(long, 0);
    assert_eq!(least.messages.len(), 5, "two messages of the user's and the latest exchange");
    assert!(least.messages[3].text().ends_with("bytes more were cut to make room]"));
    assert!(least.messages[3].text().len() <= SHORT && least.messages[4].text().len() <= SHORT);
}

#[test]
fn a_policy_makes_room_from_a_share_of_the_window_on_and_leaves_room_for_the_answer() {
    let request = |bytes: usize| Request::from("x".repeat(bytes)).max_output_tokens(100);
    let policy = ContextPolicy::prune(1_000);
    assert_eq!(policy.too_long(&request(3_200)), None);
    assert_eq!(policy.too_long(&request(3_204)), Some(500));
    assert_eq!(policy.clone().at(1_000).too_long(&request(3_600)), None);
    assert_eq!(policy.clone().at(1_000).too_long(&request(3_604)), Some(500));
    assert_eq!(
        policy.clone().to(2_000).too_long(&request(4_000)),
        Some(800),
        "never to more than it may have"
    );
    assert_eq!(ContextPolicy::prune(0).too_long(&request(4)), Some(0));
    assert_eq!(policy.summariser("own"), None);
    assert_eq!(ContextPolicy::summarise(9).summariser("own"), Some("own"));
    assert_eq!(ContextPolicy::summarise(9).by("fast").summariser("own"), Some("fast"));
}

/// The ids of calls and of results, which have to match.
fn pairs(talk: &Conversation) -> (BTreeSet<String>, BTreeSet<String>) {
    let calls = talk.messages.iter().flat_map(|message| match message {
        Message::Assistant { tool_calls, .. } => {
            tool_calls.iter().map(|call| call.id.clone()).collect::<Vec<_>>()
        }
        _ => Vec::new(),
    });
    let results = talk.messages.iter().filter_map(|message| match message {
        Message::Tool { call, .. } => Some(call.clone()),
        _ => None,
    });
    (calls.collect(), results.collect())
}

proptest! {
    #[test]
    fn whatever_is_reduced_keeps_pairs_task_and_order_is_no_longer_and_stays_as_it_is(
        before in 0_usize..4,
        rounds in prop::collection::vec(prop::collection::vec(0_usize..3_000, 0..4), 0..6),
        after in prop::option::of(0_usize..200),
        room in 0_usize..12_000,
    ) {
        let mut long = talk(before, &rounds);
        long.messages.extend(after.map(|length| Message::user("x".repeat(length))));
        let short = reduce(long.clone(), room);
        prop_assert!(bytes_of(&short.messages) <= bytes_of(&long.messages));
        if bytes_of(&long.messages) <= room {
            prop_assert_eq!(&short, &long);
        }
        let (calls, results) = pairs(&short);
        prop_assert_eq!(calls, results);
        prop_assert_eq!(short.messages[short.task].text(), "the task");
        prop_assert_eq!(&short.messages[0], &long.messages[0], "the first user's message");
        prop_assert_eq!(short.messages.last().map(Message::text).map(|text| text.get(..9)),
            long.messages.last().map(Message::text).map(|text| text.get(..9)));
        prop_assert_eq!(&reduce(short.clone(), room), &short);
        // The messages that are left keep their order.
        let mut old = long.messages.iter();
        for message in &short.messages {
            let is_same = |other: &&Message| match (message, other) {
                (Message::Tool { call: a, .. }, Message::Tool { call: b, .. }) => a == b,
                (a, b) => a == *b,
            };
            prop_assert!(old.any(|other| is_same(&other)));
        }
    }
}
