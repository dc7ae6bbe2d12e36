//! Symlinks that are swapped in while a tool is at it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use skep_actors::tools::files::Content;
use skep_actors::tools::grep::Searched;

use crate::hand::Rig;

/// Rounds of listing and reading under a swap that goes on all the while.
const ROUNDS: usize = 400;

/// Swaps what a path is, round and round, until it is dropped.
pub(crate) struct Swapping {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Swapping {
    /// `at` is swapped with each of the others in turn; all are there and stay there under a name or the other.
    pub(crate) fn begin(at: &Path, with: &[&Path]) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, at) = (Arc::clone(&is_over), at.to_owned());
        let with: Vec<_> = with.iter().map(|path| (*path).to_owned()).collect();
        let swap = move || {
            let exchange = rustix::fs::RenameFlags::EXCHANGE;
            for other in with.iter().cycle() {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                rustix::fs::renameat_with(rustix::fs::CWD, &at, rustix::fs::CWD, other, exchange).unwrap();
            }
        };
        Self { is_over, thread: Some(std::thread::spawn(swap)) }
    }
}

impl Drop for Swapping {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn is_outside(content: &Content, searched: &Searched) -> bool {
    let told = matches!(content, Content::Text(text) if text.contains("OUTSIDE"));
    told || matches!(searched, Searched::Lines(lines) if lines.iter().any(|line| line.text.contains("OUTSIDE")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_becomes_a_symlink_meanwhile_leads_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let (root, outside) = (folder.path().join("root"), folder.path().join("outside"));
    for (path, text) in [(root.join("a"), "inside"), (outside, "OUTSIDE")] {
        fs::create_dir_all(path.join("sub")).unwrap();
        fs::write(path.join("sub/x"), text).unwrap();
        // By its name alone a listing would tell where it has been.
        fs::write(path.join(format!("only-{text}")), text).unwrap();
    }
    symlink("../outside", root.join("link")).unwrap();
    let swapping = Swapping::begin(&root.join("a"), &[&root.join("link")]);
    let rig = Rig::at(&root).await;
    let mut was_inside = 0;
    for _ in 0..ROUNDS {
        for (content, searched) in rig.look(&["a/sub/x", "a/only-OUTSIDE"]).await {
            assert!(!is_outside(&content, &searched), "{content:?} {searched:?}");
            was_inside += usize::from(content == Content::Text("inside".into()));
        }
        let listing = rig.list().await;
        assert!(listing.files.iter().all(|file| !file.path.contains("OUTSIDE")), "{listing:?}");
    }
    assert!(was_inside > 0, "it was a folder now and then");
    drop(swapping);
    rig.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_becomes_a_pipe_or_a_symlink_meanwhile_is_turned_down() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("f"), "inside").unwrap();
    fs::write(folder.path().join("secret"), "OUTSIDE").unwrap();
    symlink("../secret", root.join("link")).unwrap();
    let pipe = root.join("pipe");
    crate::hand::pipe(&pipe);
    let swapping = Swapping::begin(&root.join("f"), &[&root.join("link"), &pipe]);
    let rig = Rig::at(&root).await;
    for _ in 0..ROUNDS {
        for (content, searched) in rig.look(&["f", "pipe", "link"]).await {
            assert!(!is_outside(&content, &searched), "{content:?} {searched:?}");
        }
    }
    drop(swapping);
    rig.ends().await;
}
