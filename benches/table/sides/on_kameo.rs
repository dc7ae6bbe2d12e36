//! kameo: actors linked to one parent, with unbounded mailboxes and a reply's timeout of 30 s, as the others have.

use std::time::{Duration, Instant};

use kameo::Actor;
use kameo::actor::{ActorRef, Spawn};
use kameo::error::Infallible;
use kameo::mailbox;
use kameo::message::{Context, Message};

use super::Side;

pub(crate) struct OnKameo {
    parent: ActorRef<One>,
    levels: Vec<Vec<ActorRef<One>>>,
}

const UNTIL_ANSWERED: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(crate) struct One(u64);

impl Actor for One {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(args: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(args)
    }
}

struct Ask(u64);
struct Tell(u64);
/// Asks this one so many times.
struct Through(ActorRef<One>, u64);

impl Message<Ask> for One {
    type Reply = u64;

    async fn handle(&mut self, ask: Ask, _: &mut Context<Self, u64>) -> u64 {
        ask.0 + 1
    }
}

impl Message<Tell> for One {
    type Reply = ();

    async fn handle(&mut self, tell: Tell, _: &mut Context<Self, ()>) {
        self.0 = self.0.wrapping_add(tell.0);
    }
}

impl Message<Through> for One {
    /// How long that took, in nanoseconds.
    type Reply = u64;

    async fn handle(&mut self, through: Through, _: &mut Context<Self, u64>) -> u64 {
        let began = Instant::now();
        for number in 0..through.1 {
            OnKameo::ask(&through.0, number).await;
        }
        u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl OnKameo {
    async fn begin(&mut self, depth: usize, above: &ActorRef<One>) -> ActorRef<One> {
        let one = One::spawn_with_mailbox(One::default(), mailbox::unbounded());
        one.link(above).await;
        if self.levels.len() <= depth {
            self.levels.resize_with(depth + 1, Vec::new);
        }
        self.levels[depth].push(one.clone());
        one
    }
}

impl Side for OnKameo {
    type One = ActorRef<One>;

    async fn start() -> Self {
        Self { parent: One::spawn_with_mailbox(One::default(), mailbox::unbounded()), levels: Vec::new() }
    }

    async fn spawn(&mut self) -> Self::One {
        let parent = self.parent.clone();
        self.begin(0, &parent).await
    }

    async fn spawn_below(&mut self, depth: usize, above: &Self::One) -> Self::One {
        self.begin(depth, above).await
    }

    async fn ask(one: &Self::One, number: u64) -> u64 {
        one.ask(Ask(number)).reply_timeout(UNTIL_ANSWERED).await.ok().unwrap()
    }

    fn tell(one: &Self::One, number: u64) {
        one.tell(Tell(number)).try_send().ok().unwrap();
    }

    async fn ask_inside(&mut self, one: &Self::One, times: u64) -> Duration {
        let asker = self.spawn().await;
        Duration::from_nanos(asker.ask(Through(one.clone(), times)).await.ok().unwrap())
    }

    async fn stop(self) -> usize {
        let mut ended = 0;
        for level in self.levels.into_iter().rev() {
            for one in &level {
                // One whose link has ended is ended with it.
                one.stop_gracefully().await.ok();
            }
            for one in level {
                one.wait_for_shutdown().await;
                ended += 1;
            }
        }
        self.parent.stop_gracefully().await.ok();
        self.parent.wait_for_shutdown().await;
        ended
    }
}
