//! ractor, used directly: children linked to their parent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};

use super::{Side, Starts, silence};

pub(crate) struct OnRactor {
    parent: ActorRef<Message>,
    levels: Vec<Vec<ActorCell>>,
}

/// As long as an ask of skep's waits, unless told.
const UNTIL_ANSWERED: Duration = Duration::from_secs(30);

pub(crate) enum Message {
    Ask(u64, RpcReplyPort<u64>),
    Tell(u64),
    Crash,
    /// Asks this one so many times.
    Through(ActorRef<Message>, u64, RpcReplyPort<Duration>),
}

struct One;

impl Actor for One {
    type Msg = Message;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        sum: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Ask(number, reply) => drop(reply.send(number + 1)),
            Message::Tell(number) => *sum = sum.wrapping_add(number),
            Message::Crash => panic!("again"),
            Message::Through(one, times, reply) => {
                let began = Instant::now();
                for number in 0..times {
                    OnRactor::ask(&one, number).await;
                }
                drop(reply.send(began.elapsed()));
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Message>,
        _: SupervisionEvent,
        _: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

impl OnRactor {
    async fn begin(&mut self, depth: usize, above: ActorCell) -> ActorRef<Message> {
        let (one, _) = Actor::spawn_linked(None, One, (), above).await.unwrap();
        if self.levels.len() <= depth {
            self.levels.resize_with(depth + 1, Vec::new);
        }
        self.levels[depth].push(one.get_cell());
        one
    }
}

impl Side for OnRactor {
    type One = ActorRef<Message>;

    async fn start() -> Self {
        let (parent, _) = Actor::spawn(None, One, ()).await.unwrap();
        Self { parent, levels: Vec::new() }
    }

    async fn spawn(&mut self) -> Self::One {
        self.begin(0, self.parent.get_cell()).await
    }

    async fn spawn_below(&mut self, depth: usize, above: &Self::One) -> Self::One {
        self.begin(depth, above.get_cell()).await
    }

    async fn ask(one: &Self::One, number: u64) -> u64 {
        one.call(|reply| Message::Ask(number, reply), Some(UNTIL_ANSWERED)).await.unwrap().unwrap()
    }

    fn tell(one: &Self::One, number: u64) {
        one.cast(Message::Tell(number)).ok().unwrap();
    }

    async fn ask_inside(&mut self, one: &Self::One, times: u64) -> Duration {
        let asker = self.spawn().await;
        asker.call(|reply| Message::Through(one.clone(), times, reply), None).await.unwrap().unwrap()
    }

    async fn stop(self) -> usize {
        let mut ended = 0;
        for level in self.levels.into_iter().rev() {
            for one in &level {
                one.stop(None);
            }
            for one in level {
                one.wait(None).await.unwrap();
                ended += 1;
            }
        }
        self.parent.stop_and_wait(None, None).await.unwrap();
        ended
    }

    async fn restarts(children: usize, each: usize) -> Duration {
        silence();
        let starts = Starts::new(children * each);
        let args = (children, each, Arc::clone(&starts));
        let began = Instant::now();
        let (parent, _) = Actor::spawn(None, Restarting, args).await.unwrap();
        starts.all().await;
        let took = began.elapsed();
        parent.stop(None);
        took
    }
}

/// A parent that starts a child again when it has failed.
struct Restarting;

impl Actor for Restarting {
    type Msg = ();
    type State = (std::collections::HashMap<ractor::ActorId, usize>, Arc<Starts>);
    type Arguments = (usize, usize, Arc<Starts>);

    async fn pre_start(
        &self,
        myself: ActorRef<()>,
        (children, each, starts): Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let mut left = std::collections::HashMap::new();
        for _ in 0..children {
            let (one, _) = Actor::spawn_linked(None, One, (), myself.get_cell()).await?;
            one.cast(Message::Crash)?;
            left.insert(one.get_id(), each);
        }
        Ok((left, starts))
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<()>,
        event: SupervisionEvent,
        (left, starts): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(cell, _) = event {
            let left_of_it = left.remove(&cell.get_id()).unwrap() - 1;
            let (one, _) = Actor::spawn_linked(None, One, (), myself.get_cell()).await?;
            starts.one();
            if left_of_it > 0 {
                one.cast(Message::Crash)?;
                left.insert(one.get_id(), left_of_it);
            }
        }
        Ok(())
    }
}
