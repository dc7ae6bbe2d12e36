//! What is wrong with a file, or with what a program offers for it, is said before anything is spent.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use skep::workflow::BadWorkflow;
use skep::workflow::{Capabilities, Gate, Workflow};
use skep::{AgentError, Context, agent_fn, workflow};

use crate::rig::swarm;

fn told(toml: &str) -> String {
    let bad = Workflow::read(toml).expect_err("it is wrong");
    let line = bad.to_string();
    assert_eq!(line.lines().count(), 1, "{line}");
    line
}

/// A file of one phase with these steps.
fn steps(steps: &str) -> String {
    format!("name = \"w\"\ninputs = [\"brief\"]\n[[phase]]\nname = \"p\"\nsteps = [\n{steps}\n]\n")
}

#[test]
fn what_toml_cannot_read_has_its_line() {
    assert!(
        told("name = \"w\"\nphase = = 1").starts_with("line 2: "),
        "{}",
        told("name = \"w\"\nphase = = 1")
    );
    assert_eq!(told(""), "line 1: missing field `name`");
    assert_eq!(
        told("name = \"w\"\ncolour = \"red\"\n[[phase]]\nname = \"p\""),
        "line 2: unknown field `colour`, expected one of `name`, `inputs`, `within`, `costing`, `capability`, `phase`"
    );
    let told = told(&steps("{ name = \"a\", by = \"x\" },\n{ name = \"b\", by = \"x\", budget = \"1\" },"));
    assert!(
        told.starts_with("line 7: phase \"p\": step \"b\" cannot be read: unknown field `budget`"),
        "{told}"
    );
}

#[test]
fn a_value_of_the_wrong_kind_says_what_is_expected() {
    let money = told(&steps("{ name = \"a\", by = \"x\", costing = 0.40 }"));
    assert!(
        money.starts_with("line 6: phase \"p\": step \"a\" cannot be read: invalid type: floating point"),
        "{money}"
    );
    let amount = told(&steps("{ name = \"a\", by = \"x\", costing = \"forty\" }"));
    assert!(
        amount.starts_with("line 6: phase \"p\": step \"a\" costing: \"forty\" is not an amount"),
        "{amount}"
    );
    let needs = told(&steps("{ name = \"a\", by = \"x\", needs = 3 }"));
    assert!(needs.contains("expected a value as in \"map\""), "{needs}");
    let zero = told(&steps("{ name = \"a\", by = \"x\", within = 0 }"));
    assert_eq!(zero, "line 6: phase \"p\": step \"a\" within: 0 is no time: write seconds from 1");
    let less = told(&steps("{ name = \"a\", by = \"x\", retries = -1 }"));
    assert_eq!(less, "line 6: phase \"p\": step \"a\" retries: -1 is no number of retries");
    let word = told("name = \"w\"\ninputs = { brief = \"text\" }");
    assert!(
        word.contains("\"text\" is no type: write any, null, boolean, number, string, array, object"),
        "{word}"
    );
}

#[test]
fn an_empty_workflow_and_an_empty_phase_are_told() {
    assert_eq!(told("name = \"w\""), "has no phase: begin one with [[phase]]");
    let empty = "line 3: phase \"p\" has no steps: write steps = [{ name = \"..\", by = \"..\" }]";
    assert_eq!(told("name = \"w\"\n[[phase]]\nname = \"p\""), empty);
    assert_eq!(told(&steps("")), empty.replace("line 3", "line 4"));
    let nobody = "line 6: phase \"p\": step \"a\" is done by nobody: write by = a capability, \"person\" or \"approval\"";
    assert_eq!(told(&steps("{ name = \"a\" }")), nobody);
}

#[test]
fn names_are_words_and_each_is_given_once() {
    assert_eq!(told("name = \"\""), "line 1: name: it is empty: give it a name");
    let space = "line 6: phase \"p\" name: \"a b\" has ` ` in it: names are letters, digits, `-` and `_`";
    assert_eq!(told(&steps("{ name = \"a b\", by = \"x\" }")), space);
    let twice = "line 6: phase \"p\": step \"a\" has the name of the step in line 6: give it another";
    assert_eq!(told(&steps("{ name = \"a\", by = \"x\" }, { name = \"a\", by = \"x\" }")), twice);
    let value =
        "line 7: phase \"p\": step \"b\" gives \"m\", which \"a\" gives already: give it another name";
    let two = "{ name = \"a\", by = \"x\", gives = \"m\" },\n{ name = \"b\", by = \"x\", gives = \"m\" }";
    assert_eq!(told(&steps(two)), value);
    let input =
        "line 6: phase \"p\": step \"brief\" gives \"brief\", which is an input: give it another name";
    assert_eq!(told(&steps("{ name = \"brief\", by = \"x\" }")), input);
    let one = steps("{ name = \"a\", by = \"x\" }");
    let phase = format!("{one}[[phase]]\nname = \"p\"\nsteps = [{{ name = \"b\", by = \"x\" }}]");
    assert_eq!(told(&phase), "line 9: phase \"p\" has the name of the phase in line 4: give it another");
    let gives =
        format!("{one}[[phase]]\nname = \"q\"\nsteps = [{{ name = \"b\", by = \"x\", gives = \"a\" }}]");
    assert!(
        told(&gives).ends_with("step \"b\" gives \"a\", which \"a\" gives already: give it another name")
    );
    let hooks = format!("{one}after = [\"h\", \"h\"]");
    assert_eq!(told(&hooks), "line 8: phase \"p\" has the hook \"h\" twice after it");
    let inputs = told("name = \"w\"\ninputs = [\"a\", \"a\"]");
    assert_eq!(inputs, "line 2: has the input \"a\" twice: name it once");
}

#[test]
fn a_need_that_no_earlier_step_gives_is_told_with_what_is_given() {
    let file = steps(
        "{ name = \"scout\", by = \"x\", gives = \"map\" },\n{ name = \"patch\", by = \"x\", needs = [\"plan\"] }",
    );
    let bad = Workflow::read(&file).unwrap_err();
    let words = "step \"patch\" needs \"plan\", which no earlier step gives; given so far: brief, map";
    assert_eq!(bad.to_string(), format!("line 7: phase \"p\": {words}"));
    assert_eq!((bad.line, bad.phase.as_deref(), bad.step.as_deref()), (Some(7), Some("p"), Some("patch")));
    assert_eq!(bad.field.as_deref(), Some("needs"));
    let own = told(&steps("{ name = \"a\", by = \"x\", needs = [\"a\"] }"));
    assert!(own.ends_with("needs \"a\", which no earlier step gives; given so far: brief"), "{own}");
    let twice = told(&steps("{ name = \"a\", by = \"x\", needs = [\"brief\", \"brief\"] }"));
    assert_eq!(twice, "line 6: phase \"p\": step \"a\" needs \"brief\" twice");
    let many: Vec<_> = (0..20).map(|n| format!("{{ name = \"s{n:02}\", by = \"x\" }}")).collect();
    let many = told(&steps(&format!("{}, {{ name = \"z\", by = \"x\", needs = \"y\" }}", many.join(","))));
    assert!(many.ends_with("s09, s10 and 9 more"), "{many}");
    let last = told(&steps("{ name = \"a\", by = \"x\", needs = \"b?\" }, { name = \"b\", by = \"x\" }"));
    assert!(
        last.ends_with("needs \"b\", which no earlier step gives; given so far: brief"),
        "only a loop has a last round: {last}"
    );
}

#[test]
fn a_loop_has_a_bound_and_an_end_that_can_come() {
    let file = |repeats: &str| {
        format!(
            "{}loop = {repeats}",
            steps("{ name = \"a\", by = \"x\", needs = \"b?\" }, { name = \"b\", by = \"x\" }")
        )
    };
    assert!(Workflow::read(&file("{ until = \"b.ok\", most = 3 }")).is_ok());
    let write = "write loop = { until = \"review.approved\", most = 3 }";
    assert_eq!(
        told(&file("{ until = \"b\" }")),
        format!("line 8: phase \"p\" loops without \"most\": {write}")
    );
    assert_eq!(told(&file("{ most = 1 }")), format!("line 8: phase \"p\" loops without \"until\": {write}"));
    let none = "line 8: phase \"p\" loops at most 0 times: it has to be at least once";
    assert_eq!(told(&file("{ until = \"b\", most = 0 }")), none);
    let who = "line 8: phase \"p\" loops until \"c.ok\", and no step of it gives \"c\"; they give: a, b";
    assert_eq!(told(&file("{ until = \"c.ok\", most = 1 }")), who);
    let last = told(&file("{ until = \"b\", most = 1 }").replace("b?", "b"));
    assert!(
        last.ends_with("(for what the last round gave, which the first has not, write \"b?\")"),
        "{last}"
    );
    let contract = "[[capability]]\nname = \"x\"\ngives = { ok = \"string\" }\n";
    let told = told(&(file("{ until = \"b.ok\", most = 3 }") + "\n" + contract));
    assert_eq!(
        told,
        "line 4: phase \"p\" loops until \"b.ok\", and that is a string: it has to be true once"
    );
}

#[test]
fn people_have_no_bounds_that_only_agents_keep() {
    let file = steps("{ name = \"a\", by = \"person\", costing = \"1\" }");
    assert_eq!(
        told(&file),
        "line 6: phase \"p\": step \"a\" has costing and is done by a person: leave it out"
    );
    let file = steps("{ name = \"a\", by = \"person\" }") + "[[capability]]\nname = \"approval\"";
    assert!(
        told(&file).contains("has a contract of \"approval\", which is done by people"),
        "{}",
        told(&file)
    );
}

const CONTRACTS: &str = r#"
[[capability]]
name = "scout"
takes = { brief = "string" }
gives = { files = "array" }
[[capability]]
name = "plan"
takes = { files = "array", "notes?" = "string" }
"#;

#[test]
fn contracts_are_checked_from_step_to_step_when_they_are_read() {
    let file = |needs: &str| {
        steps(&format!(
            "{{ name = \"map\", by = \"scout\", needs = [\"brief\"] }},\n{{ name = \"plan\", by = \"plan\", needs = {needs} }}"
        ))
    };
    assert!(Workflow::read(&file("\"map\"")).unwrap().contracts(CONTRACTS).is_ok());
    let wrong = |needs: &str| Workflow::read(&(file(needs) + CONTRACTS)).unwrap_err().to_string();
    assert_eq!(
        wrong("[\"map\"]"),
        "line 7: phase \"p\": step \"plan\" is given what the contract of \"plan\" does not take: it has no \"files\" \
         (needs = \"map\" gives the value itself, needs = [\"map\"] an object with it)"
    );
    assert!(
        wrong("{ files = \"map\" }")
            .contains("its \"files\" is an object with files, and an array is wanted")
    );
    let twice = Workflow::read(&(file("\"map\"") + CONTRACTS)).unwrap().contracts(CONTRACTS).unwrap_err();
    assert_eq!(twice.to_string(), "has a contract of \"plan\" already: keep one of them");
    assert!(
        told(&(file("\"map\"") + CONTRACTS + CONTRACTS))
            .ends_with("has two contracts of \"scout\": keep one of them")
    );
    let other = Workflow::read(&file("\"map\"")).unwrap().contracts("[[phase]]\nname = \"p\"").unwrap_err();
    assert!(other.to_string().contains("unknown field `phase`, expected `capability`"), "{other}");
}

#[derive(Clone, Serialize, Deserialize)]
struct Brief {
    brief: String,
}

#[derive(Clone, Serialize, Deserialize)]
struct Map {
    files: Vec<String>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "it is looked at and never made")]
struct Planning {
    map: Map,
    size: Option<u32>,
}

fn typed<'a>() -> Capabilities<'a> {
    Capabilities::new()
        .can("scout", |brief: Brief| {
            let agent = agent_fn("scout", |brief: Brief, _: Context| async move {
                Ok::<_, AgentError>(Map { files: vec![brief.brief] })
            });
            (agent, brief)
        })
        .can("plan", |planning: Planning| {
            (
                agent_fn("plan", |map: Map, _: Context| async move { Ok::<_, AgentError>(map.files.len()) }),
                planning.map,
            )
        })
}

async fn refused(file: &str, given: &[(&str, Value)], can: Capabilities<'_>) -> BadWorkflow {
    let swarm = swarm().await;
    let file =
        given.iter().fold(Workflow::read(file).unwrap(), |file, (name, value)| file.with(*name, value));
    workflow(&swarm, file, can).err().expect("it is refused")
}

#[tokio::test(start_paused = true)]
async fn the_types_of_the_program_are_checked_before_anything_is_spent() {
    let file = |needs: &str| {
        steps(&format!(
            "{{ name = \"map\", by = \"scout\", needs = [\"brief\"] }},\n{{ name = \"plan\", by = \"plan\", needs = {needs} }}"
        ))
    };
    let brief = [("brief", json!("b"))];
    let worked = {
        let swarm = swarm().await;
        workflow(&swarm, Workflow::read(&file("[\"map\"]")).unwrap().with("brief", "b"), typed())
            .unwrap()
            .await
    };
    assert_eq!(worked.of::<usize>("plan"), Some(1));
    let refusal = async |needs: &str, given: Value| {
        refused(&file(needs), &[("brief", given)], typed()).await.to_string()
    };
    assert_eq!(
        refusal("\"map\"", json!("b")).await,
        "line 7: phase \"p\": step \"plan\" is given what the type of \"plan\" does not take: it has no \"map\""
    );
    assert_eq!(
        refusal("[\"map\"]", json!(7)).await,
        "line 6: phase \"p\": step \"map\" is given what the type of \"scout\" does not take: its \"brief\" is a number, \
         and a string is wanted (needs = \"brief\" gives the value itself, needs = [\"brief\"] an object with it)"
    );
    let wrong = refusal("{ map = \"brief\" }", json!("b")).await;
    assert!(wrong.contains("its \"map\" is a string, and an object with files is wanted"), "{wrong}");
    let contract = "[[capability]]\nname = \"scout\"\ngives = { files = \"array\", size = \"number\" }";
    let wrong = refused(&(file("[\"map\"]") + contract), &brief, typed()).await;
    let words =
        "is done by \"scout\", and the type that it gives is not that of its contract: it has no \"size\"";
    assert!(wrong.to_string().ends_with(words), "{wrong}");
    let deep = steps("{ name = \"plan\", by = \"plan\", needs = { map = \"brief\" } }");
    let wrong = refused(&deep, &[("brief", json!({ "files": [1] }))], typed()).await;
    assert!(
        wrong.to_string().contains("step \"plan\" is given what \"plan\" cannot read: invalid type"),
        "{wrong}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_program_does_not_offer_is_told_with_what_it_does() {
    let brief = [("brief", json!("b"))];
    let file = steps("{ name = \"map\", by = \"scot\", needs = [\"brief\"] }");
    let bad = refused(&file, &brief, typed()).await;
    assert_eq!(
        bad.to_string(),
        "line 6: phase \"p\": step \"map\" is done by \"scot\", which the program does not offer; it offers: plan, scout"
    );
    let file = steps("{ name = \"map\", by = \"scout\", needs = [\"brief\"] }") + "after = [\"checks\"]";
    let bad = refused(&file, &brief, typed()).await.to_string();
    assert_eq!(
        bad,
        "line 4: phase \"p\" has \"checks\" after it, which the program does not offer; its hooks: nothing"
    );
    let file = steps("{ name = \"map\", by = \"scout\", needs = [\"brief\"] }");
    let bad = refused(&file, &[], typed()).await.to_string();
    assert_eq!(bad, "the input \"brief\" is not given: add .with(\"brief\", ..)");
    let bad = refused(&file, &[("brief", json!("b")), ("breif", json!("b"))], typed()).await.to_string();
    assert_eq!(bad, "\"breif\" is given, and is no input of it; its inputs: brief");
    let typed_input = file.replace("[\"brief\"]\n[[", "{ brief = \"object\" }\n[[");
    let bad = refused(&typed_input, &brief, typed()).await.to_string();
    assert_eq!(bad, "the input \"brief\" does not fit: it is a string, and an object is wanted");
    let twice = typed()
        .can("scout", |(): ()| (agent_fn("x", |(): (), _: Context| async { Ok::<_, AgentError>(()) }), ()));
    assert_eq!(
        refused(&file, &brief, twice).await.to_string(),
        "\"scout\" is offered twice: give one of them another name"
    );
    let person = typed()
        .can("person", |(): ()| (agent_fn("x", |(): (), _: Context| async { Ok::<_, AgentError>(()) }), ()));
    let bad = refused(&file, &brief, person).await.to_string();
    assert_eq!(bad, "\"person\" is offered, which is done by people: give it another name");
    let nan = std::collections::BTreeMap::from([((1, 2), 3)]);
    let file = Workflow::read(&file).unwrap().with("brief", nan);
    let bad = workflow(&swarm().await, file, typed()).err().unwrap().to_string();
    assert!(bad.starts_with("the input \"brief\" is no JSON: "), "{bad}");
}

#[test]
fn a_workflow_draws_itself_before_it_runs() {
    let ship = Workflow::scout_plan_build_review();
    assert_eq!(
        ship.tree(),
        "scout-plan-build-review (brief)\n\
         ├── scout\n\
         │   └── map: scout(brief)\n\
         ├── plan, then checks\n\
         │   └── plan: plan(brief, map)\n\
         └── build, until review.approved, at most 3 times\n    \
             ├── patch: code(brief, plan, review?)\n    \
             └── review: review(brief, plan, patch)"
    );
    let mermaid = ship.mermaid();
    for line in [
        "flowchart LR",
        "  i0([\"brief\"])",
        "  subgraph p1 [\"plan, then checks\"]",
        "    s2_0[\"patch: code\"]",
        "  h1_0{{\"checks\"}}",
        "  i0 -->|\"brief\"| s0_0",
        "  s2_1 -.->|\"review\"| s2_0",
        "  p1 ==> h1_0",
        "  h1_0 ==> p2",
    ] {
        assert!(mermaid.lines().any(|there| there == line), "{line}\n{mermaid}");
    }
    let _: fn(String) -> Gate = Gate::Block;
}
