//! Specs as people write them: OTP's maps, read from TOML. Bad values are errors that name the field.

use skep::testkit::{Lab, TestResult};
use skep::{ChildSpec, Restart, Shutdown, SpawnError, Supervisor, SupervisorFlags};

use crate::rig::*;

fn child(text: &str) -> Result<ChildSpec, toml::de::Error> {
    toml::from_str(text)
}

fn flags(text: &str) -> Result<SupervisorFlags, toml::de::Error> {
    toml::from_str(text)
}

async fn sup_start_map(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let spec = Supervisor::described_by(&flags("strategy = 'one_for_all'\nintensity = 2\nperiod = 9")?);
    let first = rig.says("x", &[]).described_by(&child("id = 'a'")?);
    let second =
        rig.says("x", &[]).described_by(&child("id = 'b'\nrestart = 'temporary'\nshutdown = 'brutal_kill'")?);
    let sup = rig.start(spec.child(first).child(second)).await;
    assert_eq!(seen(&sup.children()), "a running, b running");
    let spec = sup.children().get_childspec("b")?;
    assert_eq!((spec.restart, spec.shutdown), (Restart::Temporary, Shutdown::Brutal));
    let spec = sup.children().get_childspec("a")?;
    assert_eq!(
        (spec.restart, spec.shutdown, spec.significant),
        (Restart::Permanent, Shutdown::within(ms(5_000)), false)
    );
    assert_eq!(sup.children().policy().intensity.restarts, 2);
    rig.end().await;
    Ok(())
}

async fn sup_start_map_simple(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = rig.start(Supervisor::described_by(&flags("strategy = 'simple_one_for_one'")?)).await;
    let children = sup.children();
    let template = child("id = 'a'\nrestart = 'transient'")?;
    for name in ["a", "b"] {
        children.start_child(rig.says("x", &[]).described_by(&template).named(name)).await?;
    }
    assert_eq!(counted(&children), [1, 2, 0, 2]);
    rig.exit("a", skep::Exit::Normal).await;
    assert_eq!(seen(&children), "b running");
    rig.end().await;
    Ok(())
}

/// Nothing starts of a supervisor with a spec that cannot be, and the error names the child and the field.
async fn sup_start_map_faulty_specs(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let sup = |text: &str, one: &str| -> Result<_, toml::de::Error> {
        Ok(Supervisor::described_by(&flags(text)?)
            .child(rig.says("first", &[]))
            .child(rig.says("x", &[]).described_by(&child(one)?)))
    };
    for (text, one, wrong) in [
        ("", "id = 'a'\nrestart = 'transient'\nsignificant = true", "significant"),
        ("auto_shutdown = 'any_significant'", "id = 'a'\nsignificant = true", "significant"),
        ("period = 0", "id = 'a'", "intensity"),
        ("", "id = ''", "name"),
        ("", "id = 'first'", "name"),
    ] {
        let spec = sup(text, one)?;
        let checked = spec.check().unwrap_err();
        assert!(matches!(&checked, SpawnError::BadSpec { field, .. } if field == wrong), "{one}: {checked}");
        let error = rig.swarm.spawn(spec.named("sup")).await.unwrap_err();
        let is_named = matches!(&error, SpawnError::BadSpec { field, .. } if field == wrong);
        assert!(is_named || matches!(error, SpawnError::NameTaken { .. }), "{one}: {error}");
    }
    assert_eq!((rig.log.take().as_str(), seen(&rig.swarm.children()).as_str()), ("", ""));
    rig.end().await;
    Ok(())
}

/// All that cannot be written, each by its field; and every combination that can: 3 · 4 · 2 · 2 · 2.
async fn child_specs(lab: Lab) -> TestResult {
    for (text, field) in [
        ("restart = 'permanent'", "id"),
        ("id = 7", "id"),
        ("id = 'a'\nrestart = 'always'", "restart"),
        ("id = 'a'\nshutdown = -1", "shutdown"),
        ("id = 'a'\nshutdown = 'soon'", "shutdown"),
        ("id = 'a'\nshutdown = true", "shutdown"),
        ("id = 'a'\ntype = 'boss'", "type"),
        ("id = 'a'\nsignificant = 'yes'", "significant"),
        ("id = 'a'\nmodules = []", "modules"),
    ] {
        let error = child(text).unwrap_err().to_string();
        assert!(error.contains(field), "{text}: {error}");
    }
    let rig = Rig::new(lab).await;
    let mut combinations = 0;
    for restart in ["permanent", "transient", "temporary"] {
        for shutdown in ["'brutal_kill'", "'infinity'", "0", "1000"] {
            for kind in ["worker", "supervisor"] {
                for significant in [true, false] {
                    for auto in ["never", "any_significant"] {
                        let text = format!(
                            "id = 'a'\nrestart = '{restart}'\nshutdown = {shutdown}\ntype = '{kind}'\nsignificant = {significant}"
                        );
                        let spec = rig.says("x", &[]).described_by(&child(&text)?);
                        let sup = Supervisor::described_by(&flags(&format!("auto_shutdown = '{auto}'"))?)
                            .child(spec);
                        let may = !significant || (restart != "permanent" && auto != "never");
                        assert_eq!(sup.check().is_ok(), may, "{text}, {auto}");
                        combinations += 1;
                    }
                }
            }
        }
    }
    assert_eq!(combinations, 96);
    rig.end().await;
    Ok(())
}

/// What a case of `child_specs_map` leaves out is OTP's default.
async fn child_specs_map(lab: Lab) -> TestResult {
    if lab.which_seed() > 1 {
        return Ok(());
    }
    let rig = Rig::new(lab).await;
    let line =
        |key: &str, value: &str| if value.is_empty() { String::new() } else { format!("{key} = {value}\n") };
    let mut combinations = 0;
    for strategy in ["", "'one_for_one'", "'one_for_all'", "'rest_for_one'", "'simple_one_for_one'"] {
        for intensity in ["", "0"] {
            for auto in ["", "'never'", "'any_significant'", "'all_significant'"] {
                let text =
                    line("strategy", strategy) + &line("intensity", intensity) + &line("auto_shutdown", auto);
                let flags = flags(&text)?;
                let is_dynamic = strategy == "'simple_one_for_one'";
                let has_auto = !["", "'never'"].contains(&auto);
                for restart in ["", "'permanent'", "'transient'", "'temporary'"] {
                    for shutdown in ["", "'brutal_kill'", "'infinity'", "0", "5000"] {
                        for kind in ["", "'worker'", "'supervisor'"] {
                            for significant in ["", "true", "false"] {
                                combinations += 1;
                                let text = "id = 'a'\n".to_owned()
                                    + &line("restart", restart)
                                    + &line("shutdown", shutdown)
                                    + &line("type", kind)
                                    + &line("significant", significant);
                                let written = child(&text)?;
                                let spec = rig.says("x", &[]).described_by(&written);
                                let may = significant != "true"
                                    || (has_auto && !is_dynamic && !["", "'permanent'"].contains(&restart));
                                let sup = Supervisor::described_by(&flags);
                                let checked = sup.check_child(&spec);
                                assert_eq!(checked.is_ok(), may && !(is_dynamic && has_auto), "{text}");
                                let default = if kind == "'supervisor'" {
                                    Shutdown::UntilDeadline
                                } else {
                                    Shutdown::within(ms(5_000))
                                };
                                assert!(
                                    !shutdown.is_empty() || spec.policies().shutdown == default,
                                    "{text}"
                                );
                                assert_eq!(
                                    toml::from_str::<ChildSpec>(&toml::to_string(&written)?)?,
                                    written
                                );
                            }
                        }
                    }
                }
            }
        }
    }
    assert_eq!(combinations, 7_200);
    rig.end().await;
    Ok(())
}

/// The flags of a supervisor: defaults, and all that cannot be, by field.
async fn sup_flags(lab: Lab) -> TestResult {
    let rig = Rig::new(lab).await;
    let defaults = flags("")?;
    assert_eq!(defaults, SupervisorFlags::default());
    let policy = defaults.policy();
    assert_eq!((policy.intensity.restarts, policy.intensity.period), (1, ms(5_000)));
    assert_eq!(Supervisor::described_by(&defaults).check(), Ok(()));
    for (text, field) in [
        ("strategy = 'one_for_two'", "strategy"),
        ("intensity = -1", "intensity"),
        ("intensity = 'many'", "intensity"),
        ("period = -1", "period"),
        ("period = 1.5", "period"),
        ("auto_shutdown = 'some_significant'", "auto_shutdown"),
        ("interval = 5", "interval"),
    ] {
        let error = flags(text).unwrap_err().to_string();
        assert!(error.contains(field), "{text}: {error}");
    }
    let error = rig.swarm.spawn(Supervisor::described_by(&flags("period = 0")?)).await.unwrap_err();
    assert!(matches!(&error, SpawnError::BadSpec { field, .. } if field == "intensity"), "{error}");
    rig.end().await;
    Ok(())
}

cases! {
    sup_start_map "S1",
    sup_start_map_simple "S1",
    sup_start_map_faulty_specs "S1 S9",
    child_specs "S9 S10",
    child_specs_map "S9 S10",
    sup_flags "S4 S10",
}
