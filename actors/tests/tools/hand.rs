//! An agent that does with its tools what a test tells it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use skep_actors::Tools as _;
use skep_actors::tools::files::{Content, Listing};
use skep_actors::tools::git::{Answer, Repository};
use skep_actors::tools::grep::Searched;
use skep_runtime::{Agent, AgentError, AgentRef, AgentSpec, Context, Stop, Swarm};

/// What it is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Job {
    List,
    Read(Vec<String>),
    /// Reads and searches each.
    Look(Vec<String>),
    Repository,
    Resolve(String),
    Changed(String, Option<String>),
    Tree(String),
    /// A revision, a prefix and paths.
    Blobs(String, String, Vec<String>),
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Found {
    Listing(Listing),
    Looked(Vec<(Content, Searched)>),
    Repository(Repository),
    Text(Answer<String>),
    Paths(Answer<Vec<String>>),
    Contents(Answer<Vec<Content>>),
}

/// Makes a named pipe, to which nobody writes.
pub(crate) fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A swarm with one hand in a folder.
pub(crate) struct Rig {
    swarm: Swarm,
    hand: AgentRef<Hand>,
}

struct Hand(PathBuf);

impl Rig {
    pub(crate) async fn at(folder: &Path) -> Self {
        let swarm = Swarm::builder("hand").start().await.unwrap();
        let folder = folder.to_owned();
        let hand = swarm.spawn(AgentSpec::new("hand", move || Hand(folder.clone()))).await.unwrap();
        Self { swarm, hand }
    }

    pub(crate) async fn does(&self, job: Job) -> Found {
        self.hand.ask(job).within(Duration::from_secs(60)).await.unwrap()
    }

    pub(crate) async fn read(&self, paths: &[&str]) -> Vec<Content> {
        match self.does(Job::Read(paths.iter().map(|path| (*path).to_owned()).collect())).await {
            Found::Contents(Ok(read)) => read,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn look(&self, paths: &[&str]) -> Vec<(Content, Searched)> {
        match self.does(Job::Look(paths.iter().map(|path| (*path).to_owned()).collect())).await {
            Found::Looked(looked) => looked,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn list(&self) -> Listing {
        match self.does(Job::List).await {
            Found::Listing(listing) => listing,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn ends(self) {
        let receipt = self.swarm.stop(Stop::default()).await;
        assert!(receipt.is_clean(), "{receipt}");
    }
}

impl Agent for Hand {
    type Task = Job;
    type Output = Found;

    async fn handle(&mut self, job: &Job, cx: &Context) -> Result<Found, AgentError> {
        let (files, grep, git) =
            (cx.tools().files(&self.0), cx.tools().grep(&self.0), cx.tools().git(&self.0));
        Ok(match job {
            Job::List => Found::Listing(files.list().await?),
            Job::Read(paths) => {
                let mut read = Vec::new();
                for path in paths {
                    read.push(files.read(path, 10, 1_000).await?);
                }
                Found::Contents(Ok(read))
            }
            Job::Look(paths) => {
                let mut looked = Vec::new();
                for path in paths {
                    looked.push((files.read(path, 10, 1_000).await?, grep.search(".", path, 10, 3).await?));
                }
                Found::Looked(looked)
            }
            Job::Repository => Found::Repository(git.repository().await?),
            Job::Resolve(revision) => Found::Text(git.resolve(revision).await?),
            Job::Changed(base, head) => Found::Paths(git.changed(base, head.as_deref()).await?),
            Job::Tree(revision) => {
                let listed = git.list(revision).await?;
                Found::Paths(listed.map(|files| files.into_iter().map(|file| file.path).collect()))
            }
            Job::Blobs(revision, prefix, paths) => {
                Found::Contents(git.read(revision, prefix, paths, 1_000).await?)
            }
        })
    }
}
