//! The table of all cases, `docs/conformance.md`: written by the suite, from what it runs.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use skep::testkit::conformance::{On, play_all};

use crate::rig::Case;
use crate::{
    beyond, changes, ends, interface, reports, scale, significant, start, stop, strategies, traces, written,
};

const HEAD: &str = include_str!("head.md");

/// Runs every case once, and every trace, and says how they fared.
fn table() -> String {
    let groups: [(&str, &[Case]); 11] = [
        ("start", start::CASES),
        ("written specs", written::CASES),
        ("stop", stop::CASES),
        ("ends", ends::CASES),
        ("strategies", strategies::CASES),
        ("significant", significant::CASES),
        ("interface", interface::CASES),
        ("live change", changes::CASES),
        ("reports", reports::CASES),
        ("scale", scale::CASES),
        ("beyond OTP", beyond::CASES),
    ];
    let mut table = HEAD.to_owned();
    for (group, cases) in groups {
        for Case { name, rules, run } in cases {
            let result = if catch_unwind(AssertUnwindSafe(run)).is_ok() { "ok" } else { "differs" };
            writeln!(table, "| {group} | `{name}` | {rules} | {result} |").unwrap();
        }
    }
    table.push_str("\n| traces of OTP 25 | on the engine | in the core |\n|---|---|---|\n");
    for (name, text) in [("`static.jsonl`", traces::STATIC), ("`dynamic.jsonl`", traces::DYNAMIC)] {
        let [engine, core] = [On::Engine(1), On::Core].map(|on| play_all(text, on).unwrap());
        writeln!(table, "| {name} | {engine} | {core} |").unwrap();
    }
    table
}

#[test]
fn the_table_of_cases_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conformance.md");
    let table = table();
    if std::env::var_os("SKEP_WRITE_TABLE").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == table,
        "docs/conformance.md is old: SKEP_WRITE_TABLE=1 cargo test --test conformance table"
    );
}

/// Every case of OTP's suite that the list names is there, by its name.
#[test]
fn every_case_of_the_list_is_there() {
    let groups = [
        start::CASES,
        written::CASES,
        stop::CASES,
        ends::CASES,
        strategies::CASES,
        significant::CASES,
        interface::CASES,
        changes::CASES,
        reports::CASES,
        scale::CASES,
    ];
    let there: Vec<_> = groups.iter().flat_map(|cases| cases.iter().map(|case| case.name)).collect();
    let missing: Vec<_> = OTP.split_whitespace().filter(|name| !there.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

const OTP: &str = "
    sup_start_normal sup_start_ignore_init sup_start_ignore_child sup_start_ignore_temporary_child
    sup_start_error_return sup_start_fail sup_start_child_returns_error sup_start_restart_child_returns_error
    sup_start_child_returns_error_simple sup_start_map sup_start_map_simple sup_start_map_faulty_specs
    sup_stop_infinity sup_stop_timeout sup_stop_timeout_dynamic sup_stop_brutal_kill sup_stop_brutal_kill_dynamic
    permanent_normal transient_normal temporary_normal permanent_shutdown transient_shutdown temporary_shutdown
    faulty_application_shutdown permanent_abnormal transient_abnormal temporary_abnormal
    one_for_one one_for_all one_for_all_escalation rest_for_one rest_for_one_escalation
    simple_one_for_one simple_one_for_one_extra simple_one_for_one_escalation
    nonsignificant_temporary nonsignificant_transient significant_temporary significant_transient significant_simple
    significant_upgrade_never_any significant_upgrade_any_never significant_upgrade_never_all
    significant_upgrade_all_never significant_upgrade_any_all significant_upgrade_all_any significant_upgrade_child
    child_adm child_adm_simple extra_return child_specs child_specs_map sup_flags which_children
    which_children_simple_one_for_one count_children count_children_supervisor hanging_restart_loop
    hanging_restart_loop_simple code_change code_change_map code_change_simple code_change_simple_map
    format_log_1 format_log_2 scale_start_stop_many_children simple_one_for_one_scale_many_temporary_children";
