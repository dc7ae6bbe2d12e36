//! The table: of each thing where it is, what may come then, and where that leads.

/// A thing that the events tell of.
pub(super) struct Machine {
    pub(super) kind: &'static str,
    pub(super) rows: &'static [Row],
}

/// At one of these places one of these may come, and leads to that place. The first row that fits holds.
type Row = (&'static [&'static str], &'static [&'static str], &'static str);

/// Where everything is before its first event.
pub(super) const NEW: &str = "not there";

/// A turn that may do things.
pub(super) const OPEN: &str = "open";

/// In a row: whatever comes, and where it is already.
const ANY: &str = "*";
const STAYS: &str = "";

impl Machine {
    /// Where it is after an event; nothing if that may not come there.
    pub(super) fn after(&self, place: &'static str, comes: &str) -> Option<&'static str> {
        let fits = |(at, events, _): &&Row| {
            at.contains(&place) && (events.contains(&comes) || events.contains(&ANY))
        };
        let (.., then) = self.rows.iter().find(fits)?;
        Some(if *then == STAYS { place } else { then })
    }
}

pub(super) static SESSION: Machine = Machine {
    kind: "session",
    rows: &[
        (&[NEW], &["session_began"], "on"),
        (&["on"], &["session_ended"], "over"),
        (&["on"], &[ANY], STAYS),
        (&["over"], LATE, STAYS),
    ],
};

/// What ends late, of an agent that could not be stopped: a thread that blocks lets go of it when it comes back. A plan's word
/// is the lab's own.
const LATE: &[&str] = &[
    "effect_ended",
    "effect_ended, of no task",
    "overrun",
    "overrun, of no task",
    "wait_ended",
    "wait_ended, of no task",
    "question_ended",
    "holding_released",
    "orphan_found",
    "fault_injected",
];

/// Whoever answers a question does so in the turn of the one that asks, which may live on.
const BESIDE: &[&str] =
    &["effect_ended, of no task", "overrun, of no task", "wait_ended, of no task", "question_ended"];

/// What is done to the place of an agent or said about it, while it stands, whatever its incarnation is at.
const AT_ITS_PLACE: &[&str] = &[
    "agent_adopted",
    "agent_paused",
    "agent_resumed",
    "budget_granted",
    "budget_warned",
    "ceiling_narrowed",
    "cell_lost",
    "child_policy_changed",
    "fault_injected",
    "holding_released",
    "orphan_found",
    "pause_began",
    "pause_ended",
    "pause_stands",
    "policy_changed",
    "reported",
    "stop_began",
    "stop_ended",
    "supervisor_report",
    "task_accepted",
    "task_detached",
    "task_ended",
];

/// What a start may do, a hook, and whoever answers a question: none of them works on a task.
const BETWEEN_TASKS: &[&str] = &[
    "custom",
    "effect_began",
    "effect_ended",
    "effect_ended, of no task",
    "effect_answered",
    "effect_recalled",
    "effect_refused",
    "effect_retried",
    "holding_taken",
    "overrun",
    "overrun, of no task",
    "panicked",
    "progress",
    "question_began",
    "question_ended",
    "stream_began",
    "try_began",
    "wait_began",
    "wait_ended",
    "wait_ended, of no task",
];

/// What a turn does.
const IN_A_TURN: &[&str] = &[
    "answer_not_kept",
    "result_not_kept",
    "task_claimed",
    "task_helped",
    "task_redelivered",
    "turn_ended",
    "turn_interrupted",
    "turn_stale",
];

/// Where an agent has its place in the tree, and where nothing has ended it.
const STANDS: &[&str] = &["starting", "up", "down", "not started", "stopping"];
const LIVES: &[&str] = &["starting", "up", "down", "not started"];

/// Where it has ended, and where something of it that could not be stopped may go on.
const OVER: &[&str] = &["over", "over, its spec stands", "over and stuck", "over and stuck, its spec stands"];
const STUCK: &[&str] = &["over and stuck", "over and stuck, its spec stands"];
const SPEC: &[&str] = &["over, its spec stands", "over and stuck, its spec stands"];

pub(super) static AGENT: Machine = Machine {
    kind: "agent",
    rows: &[
        // The root's place is the session's.
        (&[NEW], &["session_began"], STAYS),
        (&[NEW], &["agent_spawned"], "starting"),
        // A restart without a pause is no event before its start.
        (&["starting", "down", "not started"], &["agent_started"], "up"),
        (&["starting", "down", "not started"], &["agent_start_failed"], "not started"),
        (&["down", "not started"], &["agent_restarting"], "not started"),
        // One that is not up yet goes down where its supervisor stops it with its siblings.
        (&["starting", "up", "not started", "down"], &["agent_exited"], "down"),
        (&["up"], &["turn_began"], STAYS),
        (&["up", "stopping"], IN_A_TURN, STAYS),
        (STANDS, AT_ITS_PLACE, STAYS),
        (STANDS, BETWEEN_TASKS, STAYS),
        (LIVES, &["agent_stopping"], "stopping"),
        // Its end may be its own, and come while it is stopped.
        (&["stopping"], &["agent_exited", "agent_start_failed"], STAYS),
        (STANDS, &["agent_stopped"], "over"),
        (STANDS, &["agent_stopped, its spec stands"], "over, its spec stands"),
        (STANDS, &["agent_stopped, stuck"], "over and stuck"),
        (STANDS, &["agent_stopped, stuck, its spec stands"], "over and stuck, its spec stands"),
        (SPEC, &["agent_spawned"], "starting"),
        (&["over, its spec stands"], &["spec_dropped"], "over"),
        (&["over and stuck, its spec stands"], &["spec_dropped"], "over and stuck"),
        // Its supervisor may still be told how to treat it.
        (SPEC, &["child_policy_changed"], STAYS),
        // The stop of an agent is over when that is, and the session with its root.
        (OVER, &["stop_began", "stop_ended", "session_ended"], STAYS),
        (OVER, &["holding_released", "orphan_found"], STAYS),
        (OVER, BESIDE, STAYS),
        (STUCK, LATE, STAYS),
    ],
};

/// One incarnation of an agent: it comes up once, and ends once. A start that fails before its incarnation has begun is told
/// of the one before, and so is the end of a place that was spawned again and has not come up.
pub(super) static LIFE: Machine = Machine {
    kind: "incarnation",
    rows: &[
        (&[NEW], &["agent_started"], "up"),
        (&[NEW], &["agent_spawned"], STAYS),
        (&["up", "over", "not started"], &["agent_spawned"], "spawned again"),
        (&[NEW, "over", "not started", "spawned again"], &["agent_start_failed"], "not started"),
        (&[NEW, "up", "not started", "spawned again"], &["agent_exited"], "over"),
    ],
};

pub(super) static TURN: Machine = Machine {
    kind: "turn",
    rows: &[
        (&[NEW, "over"], &["turn_began"], OPEN),
        (&[OPEN], &["turn_ended"], "over"),
        (&[OPEN], BETWEEN_TASKS, STAYS),
        (&[OPEN], IN_A_TURN, STAYS),
        (&[OPEN], &["fault_injected"], STAYS),
        // Of one that was given up with a thread that blocks.
        (&["over"], &["effect_ended", "overrun", "wait_ended", "fault_injected"], STAYS),
    ],
};

pub(super) static TASK: Machine = Machine {
    kind: "task",
    rows: &[
        (&[NEW], &["task_accepted"], "queued"),
        (&["queued"], &["turn_began"], "running"),
        (&["running"], &["task_redelivered"], "queued"),
        (&["running"], &["task_helped"], STAYS),
        (&["queued", "running"], &["task_detached"], STAYS),
        (&["queued", "running"], &["task_ended"], "over"),
    ],
};

pub(super) static EFFECT: Machine = Machine {
    kind: "effect",
    rows: &[
        (&[NEW], &["effect_began"], "on"),
        (&["on"], &["stream_began"], STAYS),
        (&["on"], &["effect_retried"], "between tries"),
        (&["between tries"], &["overrun", "overrun, of no task"], STAYS),
        (&["between tries"], &["try_began"], "on"),
        (&["on", "between tries"], &["effect_ended", "effect_ended, of no task"], "over"),
        (&["over"], &["overrun", "overrun, of no task"], "over, with its overrun"),
    ],
};

pub(super) static WAIT: Machine = Machine {
    kind: "wait",
    rows: &[(&[NEW], &["wait_began"], "on"), (&["on"], &["wait_ended", "wait_ended, of no task"], "over")],
};

pub(super) static QUESTION: Machine = Machine {
    kind: "question",
    rows: &[(&[NEW], &["question_began"], "on"), (&["on"], &["question_ended"], "over")],
};

pub(super) static HOLDING: Machine = Machine {
    kind: "holding",
    rows: &[(&[NEW], &["holding_taken"], "held"), (&["held"], &["holding_released"], "released")],
};

pub(super) static PAUSE: Machine = Machine {
    kind: "pause",
    rows: &[(&[NEW], &["pause_began"], "on"), (&["on"], &["pause_stands"], "said to stand")],
};

/// What a supervisor stops by itself has no begin and no end of its own.
pub(super) static STOP: Machine = Machine {
    kind: "stop",
    rows: &[
        (&[NEW, "putting its fence up"], &["agent_stopping"], "putting its fence up"),
        (&[NEW, "putting its fence up"], &["stop_began"], "on"),
        (&["on"], &["stop_ended"], "over"),
    ],
};
