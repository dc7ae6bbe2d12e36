//! A newsroom in a flood organises itself. Whatever comes in goes over a desk, an agent for each piece, which says what kind of work
//! it is. Each kind has a queue, and a queue has a team: nobody while there is no work, up to four when there is much. A team forms
//! when the first piece of its kind comes, grows while pieces wait, and goes when there has been nothing to do for a while.
//!
//! That is two patterns put together: a fan-out over a stream, whose rows go into open queues. Two things go wrong. The desk does not
//! know what to do with a voice message, and one picture is cut off: three attempts, and it is set aside. Nothing else waits for them.
//!
//! The agents are plain, so this runs without a key; `docs/patterns.md` has the same with models.
//!
//! `cargo run --example self_organising`

#![allow(clippy::print_stdout, reason = "an example is there to be read")]

use std::sync::{Arc, atomic::AtomicUsize, atomic::Ordering};
use std::time::Duration;

use futures_util::{StreamExt as _, future, stream};
use skep::prelude::*;

const TICK: Duration = Duration::from_millis(100);
const KINDS: [&str; 3] = ["photos", "translate", "facts"];

/// What comes in: after how many ticks, how many of which.
const ARRIVALS: [(u32, usize, &str); 6] = [
    (0, 1, "report in German"),
    (2, 12, "picture of the dam"),
    (1, 12, "report in Czech"),
    (4, 1, "voice message"),
    (1, 1, "claim that the dam has burst"),
    (6, 1, "picture of the harbour"),
];

/// A member of a team. It counts as long as it lives.
struct Member(Arc<AtomicUsize>);

impl Drop for Member {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Agent for Member {
    type Task = String;
    type Output = ();

    async fn handle(&mut self, piece: &String, cx: &Context) -> Result<(), AgentError> {
        cx.sleep(TICK).await?;
        if piece == "picture of the dam 4" { Err(AgentError::message("it is cut off")) } else { Ok(()) }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let swarm = Swarm::builder("newsroom").start().await?;
    let sizes = KINDS.map(|_| Arc::<AtomicUsize>::default());
    let (teams, done): (Vec<_>, Vec<_>) = KINDS
        .iter()
        .zip(&sizes)
        .map(|(kind, size)| {
            let size = Arc::clone(size);
            queue(&swarm, [])
                .named(*kind)
                .workers(0..=4, move |n| {
                    let size = Arc::clone(&size);
                    AgentSpec::new(format!("{kind}-{n}"), move || {
                        size.fetch_add(1, Ordering::SeqCst);
                        Member(Arc::clone(&size))
                    })
                })
                .idle(2 * TICK)
                .open()
        })
        .unzip();
    let desk = agent_fn("desk", |piece: String, _: Context| async move {
        match piece.split(' ').next() {
            Some("picture") => Ok(0),
            Some("report") => Ok(1),
            Some("claim") => Ok(2),
            _ => Err(AgentError::message("no team does that")),
        }
    });
    let arriving = stream::iter(ARRIVALS).then(|(ticks, many, what)| async move {
        tokio::time::sleep(ticks * TICK).await;
        stream::iter((1..=many).map(move |n| format!("{what} {n}")))
    });
    let sort = async {
        let mut sorted =
            fan_out_stream(&swarm, arriving.flatten()).each(|piece| (desk.clone(), piece)).retries(0).rows();
        while let Some(row) = sorted.next().await {
            match row.result {
                Ok(team) => teams[team].push(row.item).await?,
                Err(failure) => println!("       the desk: {}: {failure}", row.item),
            }
        }
        drop(teams);
        Ok::<_, String>(())
    };
    let read = future::join_all(done.into_iter().map(futures_util::StreamExt::collect::<Vec<_>>));
    let watch = async {
        for tick in 0..16 {
            tokio::time::sleep(TICK / 2).await;
            let [photos, translate, facts] =
                sizes.each_ref().map(|team| "#".repeat(team.load(Ordering::SeqCst)));
            let at = f64::from(tick) / 10.0;
            println!("{at:.1} s  photos {photos:<4}  translate {translate:<4}  facts {facts}");
            tokio::time::sleep(TICK / 2).await;
        }
    };
    let (sorted, done, ()) = tokio::join!(sort, read, watch);
    sorted?;
    assert!(sizes.iter().all(|team| team.load(Ordering::SeqCst) == 0), "every team has gone");
    for (kind, rows) in KINDS.iter().zip(done) {
        println!("{kind}: {} in all", rows.len());
        for row in rows.iter().filter(|row| row.result.is_err()) {
            println!("  set aside after {} attempts: {}, {}", row.attempts, row.task, row.errors[0]);
        }
    }
    println!("{}", swarm.stop(Stop::default()).await);
    Ok(())
}
