//! A progress bar for each agent that works.

use std::collections::BTreeMap;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use skep_runtime::AgentId;

use super::sight::Sight;

#[derive(Default)]
pub(super) struct Bars {
    all: MultiProgress,
    bars: BTreeMap<AgentId, ProgressBar>,
}

impl Bars {
    pub(super) fn draw(&mut self, sight: &Sight) {
        let Some(files) = sight.files else { return };
        for row in sight.workers() {
            let bar = self.bars.entry(row.id.clone()).or_insert_with(|| {
                let bar = self.all.add(ProgressBar::new(files)).with_style(style());
                bar.with_prefix(row.name.clone())
            });
            bar.set_position(sight.reached(&row.id));
            let life = if row.incarnation > 1 { format!("life {} ", row.incarnation) } else { String::new() };
            bar.set_message(format!("{life}{}", row.doing().unwrap_or_default()));
        }
    }

    pub(super) fn close(self) {
        for bar in self.bars.values() {
            bar.finish_and_clear();
        }
        // The lines are gone; a terminal that is no more does not matter.
        self.all.clear().ok();
    }
}

fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{prefix:12} {bar:24} {pos:>5}/{len:<5} {wide_msg:.dim}");
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─")
}
