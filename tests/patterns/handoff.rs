//! One at a time holds the work.

use std::sync::{Arc, Mutex};

use skep::handoff::{HandedOff, Package, Pass};
use skep::testkit::{Lab, TestResult};
use skep::{Agent, AgentError, AgentSpec, Budget, Context, Report as _, ScopeOwner, agent_fn, handoff};

use crate::rig::{alive, millis, secs, swarm};
use crate::storm::storm;

type Ticket = Package<String>;
type Says = Pass<String, String>;

/// Holds a ticket for 10 ms, and does with it what the function says; it may look at the last error.
fn holds(
    name: &str,
    says: impl Fn(&Ticket, Option<&AgentError>) -> Result<Says, &'static str> + Send + Sync + 'static,
) -> AgentSpec<impl Agent<Task = Ticket, Output = Says>> {
    let says = Arc::new(says);
    agent_fn(name, move |ticket: Ticket, cx: Context| {
        let says = Arc::clone(&says);
        async move {
            cx.sleep(millis(10)).await?;
            says(&ticket, cx.last_error()).map_err(AgentError::message)
        }
    })
}

fn passes(to: &'static str, summary: &'static str) -> AgentSpec<impl Agent<Task = Ticket, Output = Says>> {
    holds("passes", move |_, _| Ok(Pass::to(to, summary)))
}

fn does(name: &'static str) -> AgentSpec<impl Agent<Task = Ticket, Output = Says>> {
    holds(name, move |ticket, _| Ok(Pass::Done(format!("{name} did {}: {}", ticket.work, ticket.summary))))
}

fn path<S, O>(report: &HandedOff<S, O>) -> String {
    report.parts.parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(" ")
}

#[tokio::test(start_paused = true)]
async fn it_goes_from_hand_to_hand_until_it_is_done() {
    let swarm = swarm().await;
    let second = agent_fn("second", |ticket: Ticket, _: Context| async move {
        assert_eq!(ticket.from(), Some("first"));
        Ok::<Says, AgentError>(Pass::to("third", "half done").with(format!("{}!", ticket.work)))
    });
    let report = handoff(&swarm, "work".to_owned())
        .worker("first", |ticket| (passes("second", "please"), ticket.clone()))
        .worker("second", |ticket| (second.clone(), ticket.clone()))
        .worker("third", |ticket| (does("third"), ticket.clone()))
        .await;
    assert_eq!(report.value.as_deref(), Some("third did work!: half done"));
    assert_eq!((path(&report).as_str(), report.holder.as_str()), ("first second third", "third"));
    assert_eq!(report.to_string(), "first > second > third: done in 20.0ms, $0.00 in all");
    let said: Vec<_> = report.package.history.iter().map(|hop| hop.summary.as_str()).collect();
    assert_eq!((said, report.package.hops_left), (vec!["please", "half done"], 3));
    assert_eq!(report.parts.critical_path().len(), 3);
    let back: HandedOff<String, String> =
        serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(back, report);
    assert_eq!(alive(&swarm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_first_may_do_it_and_an_orchestrator_has_no_other_way() {
    let swarm = swarm().await;
    let report = handoff(&swarm, 7_u64)
        .orchestrator("all", |package: &Package<u64>| {
            (agent_fn("all", |n: u64, _: Context| async move { Ok::<_, AgentError>(n + 1) }), package.work)
        })
        .await;
    assert_eq!((report.value, path(&report).as_str()), (Some(8), "all"));
}

#[tokio::test(start_paused = true)]
async fn a_package_may_be_transformed_on_its_way() {
    let swarm = swarm().await;
    let ways = Mutex::new(Vec::new());
    let report = handoff(&swarm, "secret".to_owned())
        .worker("in", |ticket| (passes("out", "it is a secret"), ticket.clone()))
        .worker("out", |ticket| (does("out"), ticket.clone()))
        .mediate(|from, to, mut package| {
            ways.lock().unwrap().push(format!("{from}>{to}"));
            package.work = package.work.replace("secret", "***");
            package.summary = package.summary.replace("secret", "***");
            package
        })
        .await;
    assert_eq!(report.value.as_deref(), Some("out did ***: it is a ***"));
    assert_eq!(*ways.lock().unwrap(), ["in>out"]);
}

#[tokio::test(start_paused = true)]
async fn an_offer_goes_to_one_of_those_who_are_interested() {
    let swarm = swarm().await;
    let offers = || holds("offers", |_, _| Ok(Pass::to_whoever("money", "who wants it?")));
    let report = handoff(&swarm, "work".to_owned())
        .worker("a", |ticket| (offers(), ticket.clone()))
        .interested(["money"])
        .worker("b", |ticket| (does("b"), ticket.clone()))
        .interested(["law"])
        .worker("c", |ticket| (passes("d", "not my currency"), ticket.clone()))
        .interested(["money", "law"])
        .worker("d", |ticket| (does("d"), ticket.clone()))
        .interested(["money"])
        .await;
    assert_eq!((path(&report).as_str(), report.value.is_some()), ("a c d", true), "not to itself");
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_leads_nowhere_is_tried_again_with_the_reason() {
    let swarm = swarm().await;
    for (bad, why) in [
        (Says::to("me", "x"), "me holds it already"),
        (Says::to("nobody", "x"), "there is nobody called nobody; there are: other"),
        (Says::to_whoever("art", "x"), "nobody else is interested in art"),
        (Says::to("other", ""), "other"),
    ] {
        let told = Arc::new(Mutex::new(String::new()));
        let report = handoff(&swarm, "work".to_owned())
            .worker("me", |ticket| {
                let (bad, told) = (bad.clone(), Arc::clone(&told));
                let says = move |_: &Ticket, error: Option<&AgentError>| match error {
                    None => Ok(bad.clone()),
                    Some(error) => {
                        *told.lock().unwrap() = error.to_string();
                        Ok(Pass::Done("myself".to_owned()))
                    }
                };
                (holds("me", says), ticket.clone())
            })
            .worker("other", |ticket| (does("other"), ticket.clone()))
            .await;
        let is_bad = why != "other";
        assert_eq!(report.value.as_deref() == Some("myself"), is_bad, "{report}");
        assert_eq!(report.parts.parts[0].attempts, if is_bad { 2 } else { 1 });
        assert!(!is_bad || told.lock().unwrap().contains(why), "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn back_and_forth_without_change_ends_with_who_did_not_give_up() {
    let swarm = swarm().await;
    let report = handoff(&swarm, "work".to_owned())
        .worker("ping", |ticket| (passes("pong", "yours"), ticket.clone()))
        .worker("pong", |ticket| (passes("ping", "no, yours"), ticket.clone()))
        .hops(100)
        .await;
    assert_eq!((path(&report).as_str(), report.holder.as_str()), ("ping pong ping", "ping"));
    assert!(report.to_string().contains("pong has seen it just so"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn when_the_hops_are_used_up_it_says_who_holds_it_and_can_go_on() {
    let swarm = swarm().await;
    let count = |ticket: &Ticket| {
        Ok(Says::to(
            if ticket.history.len().is_multiple_of(2) { "b" } else { "a" },
            format!("{}", ticket.history.len()),
        ))
    };
    let build = |hops, patient: bool| {
        let says = move |ticket: &Ticket, _: Option<&AgentError>| match ticket.history.len() {
            5 if !patient => Ok(Pass::Done("at last".to_owned())),
            _ => count(ticket),
        };
        handoff(&swarm, "work".to_owned())
            .worker("a", move |ticket| (holds("a", says), ticket.clone()))
            .worker("b", move |ticket| (holds("b", says), ticket.clone()))
            .hops(hops)
    };
    let mut report = build(3, true).await;
    assert_eq!((path(&report).as_str(), report.holder.as_str(), &report.value), ("a b a b", "b", &None));
    let said = report.to_string();
    assert!(
        said.contains("not done, held last by b") && said.contains("may not be passed on any more"),
        "{said}"
    );
    assert!(report.clone().into_result().is_err());
    let default = build(5, true).await;
    assert_eq!(default.parts.parts.len(), 6, "five hops");
    build(3, false).retry_failed(&mut report).await;
    assert_eq!((path(&report).as_str(), report.value.as_deref()), ("a b a b b a b", Some("at last")));
}

#[tokio::test(start_paused = true)]
async fn a_monitor_gets_what_another_has_failed_with_and_may_pass_it_on() {
    let swarm = swarm().await;
    let breaks = || holds("breaks", |_, _| Err("no idea"));
    let build = || {
        handoff(&swarm, "work".to_owned())
            .worker("a", |ticket| (breaks(), ticket.clone()))
            .worker("b", |ticket| (does("b"), ticket.clone()))
            .retries(0)
    };
    let report = build().await;
    assert_eq!((path(&report).as_str(), report.holder.as_str()), ("a", "a"), "there is no monitor");
    let watches = || {
        holds("watches", |ticket, _| {
            assert_eq!(ticket.summary, "a failed with it: no idea");
            Ok(Pass::to("b", "a cannot"))
        })
    };
    let report = build().monitor("watch", |ticket| (watches(), ticket.clone())).await;
    assert_eq!((path(&report).as_str(), report.value.is_some()), ("a watch b", true));
    let report = build().monitor("watch", |ticket| (breaks(), ticket.clone())).await;
    assert_eq!((path(&report).as_str(), report.holder.as_str()), ("a watch", "watch"), "not its own");
}

#[tokio::test(start_paused = true)]
async fn nothing_begins_with_hands_that_cannot_be_told_apart_or_none() {
    let swarm = swarm().await;
    let twice = handoff(&swarm, "work".to_owned())
        .worker("a", |ticket| (does("a"), ticket.clone()))
        .worker("a", |ticket| (does("a"), ticket.clone()))
        .await;
    assert!(twice.to_string().contains("two of the hands are called a"), "{twice}");
    let none: HandedOff<String, u64> = handoff(&swarm, "work".to_owned()).await;
    assert!(none.to_string().contains("nobody is there to hold it"), "{none}");
    assert!(none.into_result().is_err());
    assert_eq!(swarm.cost().spent.calls, 0);
}

#[tokio::test(start_paused = true)]
async fn it_takes_the_dearest_hand_at_each_hop_at_most() {
    let swarm = swarm().await;
    let bounded = handoff(&swarm, "work".to_owned())
        .worker("a", |ticket| (does("a"), ticket.clone()))
        .costing(Budget::usd("0.10"))
        .worker("b", |ticket| (does("b"), ticket.clone()))
        .costing(Budget::usd("0.50"))
        .hops(2);
    assert_eq!(bounded.estimate().to_string(), "3 agents, 1 at once, 9 calls, at most $1.50");
}

#[skep::swarm_test(seeds = 500)]
async fn a_handoff_in_trouble_leaves_nothing_and_bills_what_it_cost(lab: Lab) -> TestResult {
    storm(lab, false, |dice, hands| {
        let (names, hops) = (dice.between(1, 4), dice.between(0, 5) as u32);
        // Where each would send it, and who watches and is interested.
        let ways: Vec<_> =
            (0..names).map(|_| (dice.below(names + 1), dice.chance(300), dice.chance(500))).collect();
        Arc::new(move |owner: ScopeOwner| {
            let start = handoff(owner, 0_u64).within(secs(600)).hops(hops);
            let last = hands.clone();
            let all = ways.iter().copied().enumerate().fold(start, |handoff, (at, (to, watches, wants))| {
                let hands = hands.clone();
                let hold = move |package: &Package<u64>| {
                    let says = move |package: &Package<u64>| {
                        let n = package.work + 1;
                        let pass: Pass<u64, u64> = match to {
                            _ if package.hops_left == 0 || n > 4 => Pass::Done(n),
                            to if to == at as u64 => Pass::to("end", "to the end").with(n),
                            to if to == names => Pass::to_whoever("all", "to whoever").with(n),
                            to => Pass::to(to.to_string(), "to one").with(n),
                        };
                        Ok(pass)
                    };
                    (hands.hand(&at.to_string(), says), package.clone())
                };
                let name = at.to_string();
                let handoff = if watches { handoff.monitor(name, hold) } else { handoff.worker(name, hold) };
                let handoff = handoff.costing(Budget::usd("0.003"));
                if wants { handoff.interested(["all"]) } else { handoff }
            });
            all.orchestrator("end", move |package| (last.hand("end", |n: &u64| Ok(*n)), package.work))
                .costing(Budget::usd("0.003"))
                .interested(["all"])
                .mediate(|_, _, package| package)
        })
    })
    .await
}
