//! Asks the person at the terminal.

use std::io::{self, BufRead, IsTerminal as _, Write};

use skep_runtime::text::one_line;

use super::{Approval, Say};

/// After this many lines that are not an answer, it is no.
const LINES: usize = 3;

/// Asks on standard error and reads standard input, on the calling thread. If no terminal is attached, the answer is no.
pub(super) fn ask(approval: &Approval) -> Say {
    if !io::stdin().is_terminal() {
        return Say::No;
    }
    // A terminal that cannot be written to or read from counts as not attached.
    put(approval, &mut io::stdin().lock(), &mut io::stderr().lock()).unwrap_or(Say::No)
}

fn put(approval: &Approval, input: &mut impl BufRead, output: &mut impl Write) -> io::Result<Say> {
    let Approval { path, kind, subject, reach, tier, .. } = approval;
    let subject = subject.as_ref().map(|subject| format!(" ({})", one_line(subject))).unwrap_or_default();
    writeln!(output, "{} wants {}{subject} on {reach}; it {}", one_line(path), one_line(kind), harm(*tier))?;
    for _ in 0..LINES {
        write!(output, "Allow it? y: once, s: in this swarm, a: always, n: no > ")?;
        output.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(Say::No);
        }
        match line.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => return Ok(Say::Once),
            "s" | "swarm" => return Ok(Say::Swarm),
            "a" | "always" => return Ok(Say::Always),
            "n" | "no" => return Ok(Say::No),
            _ => writeln!(output, "Please answer y, s, a or n.")?,
        }
    }
    Ok(Say::No)
}

const fn harm(tier: skep_runtime::effect::Tier) -> &'static str {
    use skep_runtime::effect::Tier;
    match tier {
        Tier::Safe => "is harmless",
        Tier::Reads => "reads",
        Tier::Writes => "changes something",
        Tier::Dangerous => "may do harm that cannot be undone",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_runtime::effect::Tier;
    use skep_runtime::{AgentId, Reach};

    fn answered(lines: &str) -> (Say, String) {
        let approval = Approval {
            agent: AgentId::root("s"),
            path: "lead/writer\u{1b}[2J".into(),
            kind: "files.write".into(),
            subject: Some("files_write".into()),
            reach: Reach::path("/repo/a"),
            tier: Tier::Writes,
            modifies: true,
        };
        let mut told = Vec::new();
        let say = put(&approval, &mut lines.as_bytes(), &mut told).unwrap();
        (say, String::from_utf8(told).unwrap())
    }

    #[test]
    fn a_letter_is_an_answer_and_whatever_is_none_is_no_in_the_end() {
        for (lines, say) in
            [("y\n", Say::Once), (" S \n", Say::Swarm), ("always\n", Say::Always), ("n\n", Say::No)]
        {
            assert_eq!(answered(lines).0, say, "{lines:?}");
        }
        assert_eq!(answered("what?\ny\n").0, Say::Once);
        for nothing in ["", "\n\n\ny\n", "what?\n"] {
            assert_eq!(answered(nothing).0, Say::No, "{nothing:?}");
        }
    }

    #[test]
    fn the_question_says_who_wants_what_on_what_and_no_name_moves_the_cursor() {
        let (_, told) = answered("y\n");
        assert!(
            told.contains("wants files.write (files_write) on path /repo/a; it changes something"),
            "{told}"
        );
        assert!(!told.contains('\u{1b}'), "{told:?}");
    }
}
