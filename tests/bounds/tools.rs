//! Tools for models: what a model is offered it does below its ceiling and permissions alone, and nothing that it began is left.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use skep::actors::model::{Answer, Message};
use skep::actors::permit::{Equip as _, Mode, Permissions, Rule};
use skep::actors::tool::Toolset;
use skep::actors::tools::{Commands, Workspace};
use skep::actors::{ModelAgent, Models, Scripted};
use skep::testkit::{Lab, TestResult};
use skep::{Ceiling, Stop, Swarm};

/// A root with `src/a.rs` and `secret/key` in it; it is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("skep-tools-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::create_dir(folder.join("secret")).unwrap();
        fs::write(folder.join("src/a.rs"), "fn a() {}\n").unwrap();
        fs::write(folder.join("secret/key"), "SECRET\n").unwrap();
        Self(folder.canonicalize().unwrap())
    }

    fn workspace(&self) -> Workspace {
        Workspace::at(&self.0).unwrap()
    }

    fn all_below(&self, folder: &str) -> String {
        format!("{}/**", self.0.join(folder).display())
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.0.join(path)).ok()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// A model that calls all of these in one answer, and is done.
fn calls(all: &[(&str, Value)]) -> Scripted {
    let answer = all.iter().fold(Answer::new(), |answer, (tool, arguments)| answer.calls(tool, arguments));
    Scripted::new().answers(answer).says("done")
}

/// What the model was told of its calls, in their order.
fn told(model: &Scripted) -> Vec<String> {
    let last = model.requests().last().cloned().unwrap();
    last.messages[2..].iter().map(|message| Message::text(message).to_owned()).collect()
}

async fn started(lab: &Lab, model: &Scripted, permissions: Option<Permissions>) -> Swarm {
    let models = Models::new().with("m", model.clone());
    lab.start_with(|builder| {
        let builder = builder.resource(models);
        match permissions {
            Some(permissions) => builder.permissions(permissions),
            None => builder,
        }
    })
    .await
}

/// Has a model agent with these tools do what its script says, and gives what it was told.
async fn done(lab: &Lab, script: &[(&str, Value)], tools: Toolset, ceiling: Ceiling) -> Vec<String> {
    let model = calls(script);
    let swarm = started(lab, &model, None).await;
    let coder = swarm.spawn(ModelAgent::new("m").tools(tools).spec("coder").ceiling(ceiling)).await.unwrap();
    assert_eq!(coder.ask("Go.".into()).await.unwrap(), "done");
    drop(coder);
    lab.end(swarm).await;
    told(&model)
}

#[skep::swarm_test(seeds = 5)]
async fn a_model_writes_below_its_ceiling_and_is_told_that_it_may_not_elsewhere(lab: Lab) -> TestResult {
    let folder = Folder::new();
    let ceiling = Ceiling::new().paths([folder.all_below("src")]).models(["m"]);
    let script = [
        ("files_write", json!({ "path": "src/new.rs", "content": "fn new() {}\n" })),
        ("files_edit", json!({ "path": "src/a.rs", "old": "a()", "new": "b()" })),
        ("files_write", json!({ "path": "secret/new", "content": "x" })),
        ("files_write", json!({ "path": "../new", "content": "x" })),
        ("files_edit", json!({ "path": "secret/key", "old": "SECRET", "new": "x" })),
        ("files_read", json!({ "path": "secret/key" })),
        ("grep", json!({ "pattern": "SECRET" })),
    ];
    let told = done(&lab, &script, folder.workspace().writing(), ceiling).await;
    assert!(told[0].starts_with("made src/new.rs") && told[1].starts_with("edited src/a.rs"), "{told:?}");
    assert!(told[3].contains("is outside of"), "{told:?}");
    for at in [2, 4, 5, 6] {
        assert!(told[at].starts_with("you may not do that: ") && !told[at].contains("SECRET"), "{told:?}");
    }
    assert_eq!(folder.read("src/new.rs").as_deref(), Some("fn new() {}\n"));
    assert_eq!(folder.read("src/a.rs").as_deref(), Some("fn b() {}\n"));
    assert_eq!((folder.read("secret/key").as_deref(), folder.read("secret/new")), (Some("SECRET\n"), None));
    assert!(!folder.0.parent().unwrap().join("new").exists());
    Ok(())
}

#[cfg(unix)]
#[skep::swarm_test(seeds = 5)]
async fn a_symlink_is_no_way_around_a_ceiling_nor_around_a_denial(lab: Lab) -> TestResult {
    let folder = Folder::new();
    std::os::unix::fs::symlink("../secret", folder.0.join("src/link")).unwrap();
    let script = [
        ("files_read", json!({ "path": "src/link/key" })),
        ("files_write", json!({ "path": "src/link/new", "content": "x" })),
        ("grep", json!({ "pattern": "SECRET", "path": "src/link" })),
        ("files_read", json!({ "path": "src/a.rs" })),
        ("grep", json!({ "pattern": "SECRET" })),
    ];
    let ceiling = Ceiling::new().paths([folder.all_below("src")]).models(["m"]);
    let by_ceiling = done(&Lab::seed(lab.which_seed()), &script, folder.workspace().writing(), ceiling).await;
    // The same by a rule that denies one folder of all: a search of what is around it is a search of it.
    let model = calls(&script);
    let permissions = Permissions::only(["*"])
        .rule(Rule::kind("*").path(folder.all_below("secret")).deny())
        .mode(Mode::Everything);
    let swarm = started(&lab, &model, Some(permissions)).await;
    let coder = swarm.spawn(ModelAgent::new("m").tools(folder.workspace().writing()).spec("coder")).await?;
    assert_eq!(coder.ask("Go.".into()).await?, "done");
    drop(coder);
    lab.end(swarm).await;
    for told in [by_ceiling, told(&model)] {
        for at in [0, 1, 2, 4] {
            assert!(
                told[at].starts_with("you may not") || told[at].starts_with("that was refused"),
                "{told:?}"
            );
            assert!(!told[at].contains("SECRET"), "{told:?}");
        }
        assert!(told[3].contains("fn a() {}"), "{told:?}");
    }
    assert_eq!(folder.read("secret/new"), None);
    Ok(())
}

#[skep::swarm_test(seeds = 5)]
async fn in_read_only_nothing_is_written_and_nothing_is_run(lab: Lab) -> TestResult {
    let folder = Folder::new();
    let model = calls(&[
        ("files_write", json!({ "path": "src/new.rs", "content": "x" })),
        ("files_edit", json!({ "path": "src/a.rs", "old": "a()", "new": "b()" })),
        ("command", json!({ "argv": ["touch", "src/run"] })),
        ("files_list", json!({ "folder": "src" })),
    ]);
    let permissions = Permissions::only(["*"]).rule(Rule::kind("*").allow()).mode(Mode::ReadOnly);
    let swarm = started(&lab, &model, Some(permissions)).await;
    let tools = folder.workspace().writing().and(folder.workspace().command(Commands::any()));
    let coder = swarm.spawn(ModelAgent::new("m").tools(tools).spec("coder")).await?;
    assert_eq!(coder.ask("Go.".into()).await?, "done");
    drop(coder);
    lab.end(swarm).await;
    let told = told(&model);
    assert!(told[..3].iter().all(|told| told.starts_with("that was refused: ")), "{told:?}");
    assert_eq!(told[3], "src/a.rs\t10\n");
    assert_eq!(folder.read("src/a.rs").as_deref(), Some("fn a() {}\n"));
    Ok(())
}

/// Under simulation the future that waits for a process is polled on another thread, and nobody can drop it there: that its agent holds
/// the process is what ends it.
#[cfg(unix)]
#[skep::swarm_test(seeds = 3)]
async fn a_stop_kills_what_a_model_runs_with_all_that_it_began(lab: Lab) -> TestResult {
    let folder = Folder::new();
    let pipe = folder.0.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status()?.success());
    let script = format!("(exec 3>'{}'; sleep 1000) & wait", pipe.display());
    let model = Scripted::new().calls("shell", &json!({ "script": script }));
    let swarm = started(&lab, &model, None).await;
    let tools = folder.workspace().command(Commands::any().shell());
    let coder = swarm.spawn(ModelAgent::new("m").tools(tools).spec("coder")).await?;
    let asked = tokio::spawn(coder.ask("Go.".into()));
    let mut held = opened(&swarm, &pipe).await;
    let receipt = swarm.stop(Stop::default()).await;
    assert_eq!(receipt.rows()[0].holdings, ["process sh"], "{receipt}");
    assert!(asked.await?.is_err());
    assert_eq!(held.read_to_end(&mut Vec::new())?, 0, "the grandchild lives on");
    drop((coder, swarm));
    lab.conclude(receipt).await?;
    Ok(())
}

/// A pipe that a process has opened to write.
#[cfg(unix)]
async fn opened(swarm: &Swarm, pipe: &Path) -> fs::File {
    let pipe = pipe.to_owned();
    swarm.env().blocking(move || fs::File::open(pipe)).await.unwrap()
}
