//! Reports for the tests of the forms.

use super::{Chaos, Cost, Report, Reviewer};
use crate::review::coverage::{Written, judged};
use crate::review::source::Note;
use crate::review::{Category, Config, RuleSet, Source, apply, merge};

/// A report without anything in it.
pub(in crate::review) fn empty() -> Report {
    Report {
        root: ".".into(),
        scope: "not a git repository: the whole tree was reviewed".into(),
        files: 0,
        complete: true,
        unread: 0,
        findings: Vec::new(),
        known: 0,
        stale: 0,
        reviewers: Vec::new(),
        languages: Vec::new(),
        notes: Vec::new(),
        needs_model: Vec::new(),
        cost: Cost { name: "lead".into(), ..Cost::default() },
        prices: "prices are simulated".into(),
        chaos: None,
        receipt: "stopped 1 agent".into(),
        elapsed_ms: 870,
    }
}

/// A report with something of everything; its findings come from the rules themselves.
pub(in crate::review) fn full() -> Report {
    let files = [
        (
            "src/a b.rs",
            "const API_KEY: &str = \"tR7xQ2mZ9vKp4LwB8nYc\";\nasync fn f() {\n\tstd::thread::sleep(D);\n}\n",
        ),
        // skep:ignore security/known-token -- a made-up one
        // skep:ignore security/known-token -- a made-up one
        ("deploy/key.yml", "key: AKIAQ3EGVB7XNTPLWZ5M\n"),
        ("src/many.rs", "fn a() { todo!() }\nfn b() { todo!() }\nfn c() { todo!() }\n"),
    ];
    let mut findings = Vec::new();
    for (path, text) in files {
        let source = Source::new(path, text.as_bytes().to_vec()).unwrap();
        for category in Category::ALL {
            findings.extend(apply(category, RuleSet::embedded(), &Config::default(), &source));
        }
    }
    let leaf = |name: &str| Cost {
        name: name.into(),
        nano_usd: 4_200_000,
        files: 3,
        bytes: 2_048,
        tool_calls: 5,
        ..Cost::default()
    };
    Report {
        root: "demo".into(),
        scope: "changed since main".into(),
        files: 3,
        complete: false,
        unread: 1,
        findings: merge(findings),
        known: 2,
        stale: 1,
        reviewers: Category::ALL
            .into_iter()
            .map(|category| Reviewer {
                category,
                files: 3,
                batches: 1,
                findings: 2,
                attempts: if category == Category::Style { 3 } else { 1 },
                failed: (category == Category::Tests).then(|| "deadline of 2 min passed | twice".into()),
            })
            .collect(),
        languages: judged(
            &Written::from([("Rust".into(), 2), ("Go".into(), 1), ("Ruby".into(), 1)]),
            RuleSet::embedded(),
            &Config::default(),
        ),
        notes: vec![Note { file: "logo.png".into(), why: "binary (NUL at byte 4): skipped".into() }],
        needs_model: RuleSet::embedded().needs_model().to_vec(),
        cost: Cost { nano_usd: 8_400_000, children: vec![leaf("security"), leaf("style")], ..leaf("lead") },
        prices: "Prices are simulated: nothing was bought.".into(),
        chaos: Some(Chaos {
            seed: 7,
            faults: vec!["style was killed in its 2nd turn".into()],
            answers: vec!["style was restarted in 40 ms and did its batch again".into()],
        }),
        receipt: "stopped 5 agents, 0 stuck".into(),
        elapsed_ms: 4_210,
    }
}
