//! The live tree: agent, state, life, cost, and what each does now.

use console::{Term, measure_text_width, pad_str, style, truncate_str};
use skep_runtime::fold::TreeRow;
use skep_runtime::{AgentState, Time};

use super::sight::Sight;

pub(super) struct Watch {
    term: Term,
    /// Lines of the last picture.
    drawn: usize,
}

impl Watch {
    pub(super) fn new(term: Term) -> Self {
        term.hide_cursor().ok();
        Self { term, drawn: 0 }
    }

    pub(super) fn draw(&mut self, sight: &Sight, now: Time) {
        let width = usize::from(self.term.size().1).max(40);
        let lines = picture(sight, now);
        // The picture is buffered and goes out at once, so that nothing flickers.
        self.term.clear_last_lines(self.drawn).ok();
        for line in &lines {
            self.term.write_line(&truncate_str(line, width - 1, "…")).ok();
        }
        self.term.flush().ok();
        self.drawn = lines.len();
    }

    /// Leaves the last picture where it is.
    pub(super) fn close(self) {
        self.term.show_cursor().ok();
        self.term.flush().ok();
    }
}

fn picture(sight: &Sight, now: Time) -> Vec<String> {
    let total = sight.costs.total().spent;
    let calls = if total.calls == 1 { "call" } else { "calls" };
    let mut lines = vec![
        style(format!("{now} · {} · {} {calls}", total.money, total.calls)).bold().to_string(),
        style(row("agent", "state", "life", "cost", "files", "now")).dim().to_string(),
    ];
    // The session's root is a place, not an agent.
    let agents: Vec<_> = sight.tree.iter().filter(|(level, _)| *level > 0).collect();
    for (number, (level, agent)) in agents.iter().enumerate() {
        let is_last =
            agents[number + 1..].iter().take_while(|(next, _)| next >= level).all(|(next, _)| next != level);
        let branch = match (*level, is_last) {
            (1, _) => "",
            (_, false) => "├─ ",
            (_, true) => "└─ ",
        };
        lines.push(line(&format!("{branch}{}", agent.name), agent, sight));
    }
    lines.push(String::new());
    for (at, happened) in &sight.happened {
        lines.push(style(format!("{at:>9}  {happened}")).dim().to_string());
    }
    lines
}

fn line(name: &str, agent: &TreeRow, sight: &Sight) -> String {
    let cost = sight.costs.subtree(&agent.id).map(|bill| bill.spent.money).unwrap_or_default();
    let files = match sight.files {
        Some(files) if sight.reached.contains_key(&agent.id) => {
            format!("{}/{files}", sight.reached(&agent.id))
        }
        _ => String::new(),
    };
    let state = paint(agent.state());
    let life = agent.incarnation.to_string();
    row(name, &state, &life, &cost.to_string(), &files, &agent.doing().unwrap_or_default())
}

fn paint(state: &AgentState) -> String {
    let word = style(state.name());
    match state {
        AgentState::Restarting | AgentState::Stopping => word.yellow(),
        AgentState::Stopped(_) => word.dim(),
        AgentState::Idle => word.blue(),
        _ => word.green(),
    }
    .to_string()
}

fn row(agent: &str, state: &str, life: &str, cost: &str, files: &str, now: &str) -> String {
    let left = |text: &str, width: usize| pad_str(text, width, console::Alignment::Left, None).into_owned();
    let right = |text: &str, width: usize| pad_str(text, width, console::Alignment::Right, None).into_owned();
    debug_assert!(measure_text_width(life) < 5, "a life beyond 9,999 would shift the columns");
    format!(
        "{} {} {} {} {}  {now}",
        left(agent, 14),
        left(state, 14),
        right(life, 4),
        right(cost, 13),
        right(files, 11)
    )
}
