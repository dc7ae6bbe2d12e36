//! The tools as an agent uses them: billed, bounded, tried again.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]
#![allow(clippy::disallowed_methods, reason = "a test makes a repository")]

#[cfg(unix)]
#[path = "tools/beneath.rs"]
mod beneath;
#[cfg(all(unix, feature = "agent"))]
#[path = "tools/commands.rs"]
mod commands;
#[cfg(all(unix, feature = "agent"))]
#[path = "tools/desk.rs"]
mod desk;
#[cfg(all(unix, feature = "agent", feature = "http"))]
#[path = "tools/fetched.rs"]
mod fetched;
#[cfg(unix)]
#[path = "tools/hand.rs"]
mod hand;
#[cfg(unix)]
#[path = "tools/hostile.rs"]
mod hostile;
#[cfg(all(unix, feature = "agent"))]
#[path = "tools/offered.rs"]
mod offered;
#[cfg(all(unix, feature = "agent"))]
#[path = "tools/paths.rs"]
mod paths;
#[cfg(target_os = "linux")]
#[path = "tools/races.rs"]
mod races;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use skep_actors::tools::files::Content;
use skep_actors::tools::git::Repository;
use skep_actors::tools::grep::Searched;
use skep_actors::tools::price::{GREP, LIST, READ};
use skep_actors::{Terms, Tools as _};
use skep_runtime::event::EffectEnd;
use skep_runtime::{
    Agent, AgentError, AgentSpec, AskError, Budget, Context, FailureClass, Stop, Swarm, Usage, What,
};

/// Does with its tools what it is told.
struct Worker {
    root: PathBuf,
    calls: Arc<AtomicU32>,
}

impl Agent for Worker {
    type Task = String;
    type Output = String;

    async fn handle(&mut self, task: &String, cx: &Context) -> Result<String, AgentError> {
        let tools = cx.tools();
        match task.as_str() {
            "files" => {
                let files = tools.files(&self.root);
                let listing = files.list().await?;
                let first = &listing.files[0];
                let Content::Text(text) = files.read(&first.path, first.bytes, 100).await? else { panic!() };
                let Searched::Lines(lines) =
                    tools.grep(&self.root).search("needle", &first.path, first.bytes, 5).await?
                else {
                    panic!()
                };
                Ok(format!("{} {text:?} {}", first.path, lines[0].line))
            }
            "git" => {
                let git = tools.git(&self.root);
                let Repository::Here(prefix) = git.repository().await? else { return Ok("none".into()) };
                let head = git.resolve("HEAD").await?.unwrap();
                assert!(git.resolve("nope").await?.is_err());
                let listed = git.list(&head).await?.unwrap();
                let paths: Vec<String> = listed.iter().map(|file| file.path.clone()).collect();
                let read = git.read(&head, &prefix, &paths, 100).await?.unwrap();
                let changed = git.changed(&head, None).await?.unwrap();
                Ok(format!("{prefix} {paths:?} {read:?} {changed:?}"))
            }
            _ => {
                // On a busy machine a call may be late that does nothing: then it is made once more.
                let terms = Terms { within: Duration::from_millis(150), tries: 100 };
                let calls = Arc::clone(&self.calls);
                let (ends, held) = std::sync::mpsc::channel::<()>();
                let held = Mutex::new(held);
                let work = move || {
                    if calls.fetch_add(1, Ordering::SeqCst) == 0 {
                        // Until whoever asked has given it up and has its answer.
                        held.lock().unwrap().recv().ok();
                    }
                    Ok(((), 0))
                };
                tools.on(terms).run(("slow", READ), "x", 1_024, work).await?;
                drop(ends);
                Ok("done".into())
            }
        }
    }
}

async fn worker(root: &Path, budget: Budget) -> (Swarm, skep_runtime::AgentRef<Worker>) {
    let swarm = Swarm::builder("tools").budget(budget).start().await.unwrap();
    let root = root.to_owned();
    let calls = Arc::new(AtomicU32::new(0));
    let build = move || Worker { root: root.clone(), calls: Arc::clone(&calls) };
    let worker = swarm.spawn(AgentSpec::new("worker", build)).await.unwrap();
    (swarm, worker)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_is_billed_for_what_it_went_through() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "hay\nneedle\n").unwrap();
    let (swarm, worker) = worker(folder.path(), Budget::new()).await;
    assert_eq!(worker.ask("files".into()).await.unwrap(), "a.txt \"hay\\nneedle\\n\" 2");
    let bill = [LIST.of(64), READ.of(11), GREP.of(11)].into_iter().fold(Usage::ZERO, |sum, part| sum + part);
    assert_eq!(worker.cost().spent, bill);
    assert!(worker.cost().reserved.is_zero());
    assert!(swarm.stop(Stop::default()).await.is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_without_room_for_the_worst_case_refuses_the_call() {
    let folder = tempfile::tempdir().unwrap();
    let (swarm, worker) = worker(folder.path(), Budget::usd("0.000001")).await;
    let Err(AskError::Failed(_, error)) = worker.ask("files".into()).await else { panic!() };
    assert_eq!(error.class(), FailureClass::OverBudget);
    assert!(worker.cost().spent.is_zero());
    assert!(swarm.stop(Stop::default()).await.is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_ran_out_of_time_is_billed_as_estimated_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let (swarm, worker) = worker(folder.path(), Budget::new()).await;
    assert_eq!(worker.ask("slow".into()).await.unwrap(), "done");
    let events = swarm.events_so_far();
    let ends: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::EffectEnded { end, estimated, used, .. } => Some((*end, *estimated, *used)),
            _ => None,
        })
        .collect();
    let (last, late) = ends.split_last().unwrap();
    assert_eq!(*last, (EffectEnd::Done, false, READ.of(0)));
    assert!(!late.is_empty(), "the first is held for longer than it has");
    assert!(late.iter().all(|end| *end == (EffectEnd::Expired, true, READ.of(1_024))), "{late:?}");
    assert!(swarm.stop(Stop::default()).await.is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn git_tells_what_is_there_and_a_folder_without_a_repository_is_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let sub = folder.path().join("sub");
    std::fs::create_dir(&sub).unwrap();
    let (swarm, worker) = worker(&sub, Budget::new()).await;
    assert_eq!(worker.ask("git".into()).await.unwrap(), "none");
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"])
            .args(arguments);
        assert!(git.current_dir(folder.path()).output().unwrap().status.success());
    };
    git(&["init", "-q"]);
    std::fs::write(sub.join("a b.txt"), "one").unwrap();
    std::fs::write(folder.path().join("outside"), "").unwrap();
    git(&["add", "-A"]);
    git(&["commit", "-qm", "one"]);
    std::fs::write(sub.join("new.txt"), "").unwrap();
    let expected = r#"sub/ ["a b.txt"] [Text("one")] ["new.txt"]"#;
    assert_eq!(worker.ask("git".into()).await.unwrap(), expected);
    assert!(swarm.stop(Stop::default()).await.is_clean());
}
