use std::fs;

use super::*;
use proptest::prelude::*;

const SECURITY: &str = "+++
description = \"Reviews code for security.\"
model = \"smart\"
max_turns = 12
budget = { usd = \"0.40\", calls = 60 }
ceiling = { paths = [\"/repo/**\"] }
settings = { temperature = 0.2 }
+++
You review {{ language }} for security.
{% for rule in rules %}
- {{ rule }}
{%- endfor %}
";

fn read(text: &str) -> Result<Persona, PersonaError> {
    Persona::parse("p.md", text)
}

fn said(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn a_persona_is_its_fields_and_a_template() {
    let persona = Persona::parse("security", SECURITY).unwrap();
    assert_eq!(persona.description(), "Reviews code for security.");
    assert_eq!(persona.wants().collect::<Vec<_>>(), ["language", "rules"]);
    let persona = persona.with("language", "Rust").unwrap().with("rules", ["no keys", "no <tags>"]).unwrap();
    assert_eq!(persona.system().unwrap(), "You review Rust for security.\n\n- no keys\n- no <tags>");
    let spec = persona.agent(&Toolset::new()).unwrap().spec("security");
    let policies = spec.policies();
    assert_eq!(policies.budget.as_ref().unwrap().check().unwrap().calls, Some(60));
    assert!(
        policies.ceiling.is_some() && policies.grants.as_ref().is_some_and(|grants| grants.allows("model"))
    );
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_the_nearest_name() {
    assert_eq!(
        said("+++\nmodel = \"a\"\nmodle = \"b\"\n+++\n"),
        "p.md:3: there is no field `modle`; did you mean \"model\"?"
    );
    assert_eq!(
        said("+++\n\nceiling = { onyl = [\"model\"] }\n+++\n"),
        "p.md:3: there is no field `onyl`; did you mean \"only\"?"
    );
    assert_eq!(
        said("+++\n[budget]\ncals = 3\n+++\n"),
        "p.md:3: there is no field `cals`; did you mean \"calls\"?"
    );
    assert!(said("+++\nfavourite = 1\n+++\n").contains("there is description, model, tools"));
    assert!(said("+++\nmax_turns = \"many\"\n+++\n").starts_with("p.md:2: "));
    assert!(said("+++\nbudget = 3\n+++\n").contains("dollars as a text such as"));
    assert_eq!(
        said("+++\nmodel = \"a\"\nmax_turns = 0\n+++\n"),
        "p.md:3: max_turns: it is 0; give at least 1"
    );
    assert!(
        said("+++\n\nbudget = \"cheap\"\n+++\n").starts_with("p.md:3: budget: \"cheap\" is not an amount")
    );
    assert!(said("+++\ngrants = { paths = [\"repo\"] }\n+++\n").starts_with("p.md:2: grants: paths: "));
    assert!(said("+++\nchildren = { alive = 1, in_all = 2 }\n+++\n").contains("say in `may_create` which"));
    assert!(said("+++\nmodel = \n+++\n").starts_with("p.md:2: "));
    for text in ["", "You write.", "+++", "+++\nmodel = \"a\"\n", "--\n+++\n", "model = 1\n+++\n+++\n"] {
        assert!(said(text).starts_with("p.md:1: a persona begins with"), "{text:?}");
    }
}

#[test]
fn a_template_is_strict_and_its_errors_have_the_lines_of_the_file() {
    let persona = read(SECURITY).unwrap();
    assert_eq!(
        persona.system().unwrap_err().to_string(),
        "p.md:9: the template wants language, rules: give each with `.with(name, value)`"
    );
    assert_eq!(
        persona.clone().with("langauge", "Rust").unwrap_err().to_string(),
        "p.md: the template has no variable `langauge`; did you mean \"language\"?"
    );
    assert!(said("+++\n+++\nHello\n{% if x %}").starts_with("p.md:"));
    let shouts = read("+++\n+++\nHello\n{{ x | shout }}").unwrap().with("x", 1).unwrap();
    assert_eq!(shouts.system().unwrap_err().to_string(), "p.md:4: unknown filter: filter shout is unknown");
    let error =
        |body: &str| read(&format!("+++\n+++\n{body}")).and_then(|persona| persona.system().map(drop));
    assert!(error("{% include \"other.md\" %}").is_err(), "no file is read");
    assert!(error("{{ x.y }}").unwrap_err().to_string().contains("wants x"));
    let optional = read("+++\n+++\nHello{% if x is defined %} {{ x }}{% endif %}.").unwrap();
    assert_eq!(optional.system().unwrap(), "Hello.");
}

#[test]
fn a_template_comes_to_its_end_and_what_comes_of_it_is_bounded() {
    let fails = |body: &str| read(&format!("+++\n+++\n{body}")).unwrap().system().unwrap_err().to_string();
    let nested = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
    assert!(fails(nested).contains("loops too often"));
    assert!(
        fails("{% for a in range(999) %}{{ \"x\" * 9999 }}{% endfor %}").contains("longer than 262144 bytes")
    );
    assert!(fails("{% for a in range(999999999) %}{% endfor %}").contains("range"));
}

#[test]
fn a_folder_is_read_in_order_and_an_error_names_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("writer.md", "+++\nmodel = \"fast\"\n+++\nYou write {{ language }}.\n");
    write("critic.md", "+++\nmodel = \"smart\"\n+++\nYou judge.\n");
    write("notes.txt", "no persona");
    fs::create_dir(folder.path().join("below")).unwrap();
    let personas = Personas::dir(folder.path()).unwrap();
    assert_eq!(personas.names().collect::<Vec<_>>(), ["critic", "writer"]);
    assert!(
        personas
            .clone()
            .with("langauge", "Rust")
            .unwrap_err()
            .to_string()
            .contains("did you mean \"language\"")
    );
    let personas = personas.with("language", "Norwegian").unwrap();
    assert_eq!(personas.get("writer").unwrap().system().unwrap(), "You write Norwegian.");
    assert!(personas.clone().and(Persona::parse("critic", "+++\n+++\n").unwrap()).is_err());
    write("broken.md", "+++\nmodle = \"fast\"\n+++\n");
    let error = Personas::dir(folder.path()).unwrap_err().to_string();
    assert!(error.contains("broken.md:2: there is no field `modle`"), "{error}");
    write("broken.md", &"x".repeat(100_000));
    assert!(Personas::dir(folder.path()).unwrap_err().to_string().contains("longer than 65536 bytes"));
    fs::remove_file(folder.path().join("broken.md")).unwrap();
    fs::create_dir(folder.path().join("folder.md")).unwrap();
    assert!(Personas::dir(folder.path()).unwrap_err().to_string().contains("it is not a file"));
    assert!(Personas::dir(folder.path().join("nowhere")).is_err());
    assert!(Persona::load(folder.path().join("two words.md")).is_err());
}

#[test]
fn an_agent_needs_a_model_and_tools_that_there_are() {
    let said = |text: &str| read(text).unwrap().agent(&Toolset::new()).map(drop).unwrap_err().to_string();
    assert!(said("+++\ndescription = \"x\"\n+++\n").contains("model: it is missing"));
    assert_eq!(
        said("+++\nmodel = \"a\"\ntools = [\"read\"]\n+++\n"),
        "p.md:3: tools: there is no tool \"read\"; there is none"
    );
    assert!(said("+++\nmodel = \"a\"\nmay_create = [\"b\"]\n+++\n").contains("a `Kit` has to make it"));
}

proptest! {
    #[test]
    fn no_text_panics(text in "(\\+\\+\\+\n)?[a-z_= \"\\[\\]{}0-9\n.]{0,60}(\n\\+\\+\\+\n)?[{}% a-z\n\"|.()]{0,60}") {
        if let Ok(persona) = read(&text) {
            drop(persona.system());
        }
    }
}
