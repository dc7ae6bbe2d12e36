//! Bare tokio: a task and a channel each, and a table of handles.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::{Side, Starts, silence};

pub(crate) struct Bare {
    levels: Vec<Vec<(mpsc::UnboundedSender<Message>, JoinHandle<()>)>>,
}

pub(crate) enum Message {
    Ask(u64, oneshot::Sender<u64>),
    Tell(u64),
    Stop,
}

async fn work(mut messages: mpsc::UnboundedReceiver<Message>) {
    let mut sum = 0_u64;
    while let Some(message) = messages.recv().await {
        match message {
            Message::Ask(number, reply) => drop(reply.send(number + 1)),
            Message::Tell(number) => sum = sum.wrapping_add(number),
            Message::Stop => return,
        }
    }
}

impl Bare {
    fn begin(&mut self, depth: usize) -> mpsc::UnboundedSender<Message> {
        let (sender, messages) = mpsc::unbounded_channel();
        let handle = tokio::spawn(work(messages));
        if self.levels.len() <= depth {
            self.levels.resize_with(depth + 1, Vec::new);
        }
        self.levels[depth].push((sender.clone(), handle));
        sender
    }
}

impl Side for Bare {
    type One = mpsc::UnboundedSender<Message>;

    async fn start() -> Self {
        Self { levels: Vec::new() }
    }

    async fn spawn(&mut self) -> Self::One {
        self.begin(0)
    }

    async fn spawn_below(&mut self, depth: usize, _: &Self::One) -> Self::One {
        self.begin(depth)
    }

    async fn ask(one: &Self::One, number: u64) -> u64 {
        let (reply, answer) = oneshot::channel();
        one.send(Message::Ask(number, reply)).ok().unwrap();
        answer.await.unwrap()
    }

    fn tell(one: &Self::One, number: u64) {
        one.send(Message::Tell(number)).ok().unwrap();
    }

    async fn ask_inside(&mut self, one: &Self::One, times: u64) -> Duration {
        let one = one.clone();
        let asking = async move {
            let began = Instant::now();
            for number in 0..times {
                Self::ask(&one, number).await;
            }
            began.elapsed()
        };
        tokio::spawn(asking).await.unwrap()
    }

    async fn stop(self) -> usize {
        let mut ended = 0;
        for level in self.levels.into_iter().rev() {
            for (sender, _) in &level {
                sender.send(Message::Stop).ok().unwrap();
            }
            for (_, handle) in level {
                handle.await.unwrap();
                ended += 1;
            }
        }
        ended
    }

    async fn restarts(children: usize, each: usize) -> Duration {
        silence();
        let crashes = |child: usize, left: usize| async move {
            if left > 0 {
                panic!("again");
            }
            child
        };
        let began = Instant::now();
        let starts = Starts::new(children * each);
        let mut set = JoinSet::new();
        let mut ids = std::collections::HashMap::new();
        for child in 0..children {
            ids.insert(set.spawn(crashes(child, each)).id(), (child, each));
        }
        while let Some(ended) = set.join_next_with_id().await {
            let Err(error) = ended else { continue };
            let (child, left) = ids.remove(&error.id()).unwrap();
            ids.insert(set.spawn(crashes(child, left - 1)).id(), (child, left - 1));
            starts.one();
        }
        starts.all().await;
        began.elapsed()
    }
}
