//! A waker is whoever's: it may poll at once, ask back, or panic. None is touched under a lock, on the control thread, or
//! where a stop is performed.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use skep::testkit::Lab;
use skep::{AgentRef, Filter, Kind, Pause, Stop, Swarm};

use super::fuse::{Carrier, Deed, Fuse, Load};
use super::ms;

type Polled = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Polls its future wherever it is woken, at once.
struct Inline {
    future: Mutex<Option<Polled>>,
    woken: AtomicBool,
    places: Arc<Mutex<Vec<String>>>,
    done: mpsc::Sender<()>,
}

impl Inline {
    fn poll(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        // Who is at it looks once more.
        while let Ok(mut future) = self.future.try_lock() {
            if !self.woken.swap(false, Ordering::SeqCst) {
                return;
            }
            let Some(polled) = future.as_mut() else { return };
            let waker = Waker::from(Arc::clone(self));
            if polled.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                *future = None;
                self.done.send(()).ok();
            }
            drop(future);
        }
    }
}

impl Wake for Inline {
    fn wake(self: Arc<Self>) {
        let place = std::thread::current().name().unwrap_or_default().to_owned();
        self.places.lock().unwrap().push(place);
        self.poll();
    }
}

/// Drives futures with wakers that poll at once, and sees where they are woken.
#[derive(Default)]
struct Inlines {
    places: Arc<Mutex<Vec<String>>>,
    begun: Vec<mpsc::Receiver<()>>,
}

impl Inlines {
    fn begin(&mut self, future: impl Future<Output = ()> + Send + 'static) {
        let (done, told) = mpsc::channel();
        let future = Mutex::new(Some(Box::pin(future) as Polled));
        let places = Arc::clone(&self.places);
        Arc::new(Inline { future, woken: AtomicBool::new(false), places, done }).poll();
        self.begun.push(told);
    }

    fn all_are_done(self) {
        for (number, told) in self.begun.into_iter().enumerate() {
            assert!(told.recv_timeout(Duration::from_secs(30)).is_ok(), "future {number} waits for ever");
        }
        let places = self.places.lock().unwrap();
        assert!(places.iter().all(|place| place != "skep-control"), "{places:?}");
    }
}

/// On a thread of its own, so that a deadlock is a failure and not a test that never ends.
fn watched(test: impl FnOnce() + Send + 'static) {
    let (done, told) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        test();
        done.send(()).ok();
    });
    match told.recv_timeout(Duration::from_secs(60)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it waits for ever"),
        _ => thread.join().unwrap(),
    }
}

fn on_threads(test: impl AsyncFnOnce() + Send + 'static) {
    watched(|| {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(test());
        runtime.shutdown_background();
    });
}

/// What a user's code might want to know wherever it runs.
fn look(swarm: &Swarm, agent: &AgentRef<Carrier>) {
    let _ = (agent.status(), swarm.status(), swarm.dead_letters(), swarm.metrics());
    agent.tell(Load::default()).ok();
}

#[test]
fn a_waker_that_polls_where_it_is_woken_waits_for_nobody() {
    on_threads(async || {
        let lab = Lab::real_io();
        let swarm = lab.start().await;
        let agent = swarm.spawn(Carrier::spec("agent").mailbox(2)).await.unwrap();
        let mut inlines = Inlines::default();
        for number in 0..6 {
            // Some wait for room, some for their answer, some for their deadline.
            let (asked, swarm, from) = (agent.clone(), swarm.clone(), agent.clone());
            inlines.begin(async move {
                let within = if number % 2 == 0 { ms(20) } else { ms(10_000) };
                drop(asked.ask(Load::of(Deed::Wait(15))).within(within).await);
                look(&swarm, &from);
            });
        }
        let (mut events, seen) = (swarm.events(Filter::all()), swarm.clone());
        let of_agent = agent.clone();
        inlines.begin(async move {
            while let Some(Ok(event)) = events.next().await {
                look(&seen, &of_agent);
                if event.what.kind() == Kind::Stop {
                    return;
                }
            }
        });
        let ended = agent.clone();
        inlines.begin(async move { drop(ended.ended().await) });
        tokio::time::sleep(ms(60)).await;
        let paused = agent.clone();
        inlines.begin(async move {
            drop(paused.pause(Pause::at_next_await()).await);
            look_after(&paused);
            paused.resume().ok();
        });
        tokio::time::sleep(ms(30)).await;
        let (stopped, seen) = (agent.clone(), swarm.clone());
        inlines.begin(async move {
            drop(stopped.stop(Stop::within(ms(1_000))).await);
            look(&seen, &stopped);
        });
        tokio::task::block_in_place(|| inlines.all_are_done());
        let receipt = swarm.stop(Stop::within(ms(2_000))).await;
        assert!(receipt.nothing_left(), "{receipt}");
        lab.conclude(receipt).await.unwrap();
    });
}

fn look_after(agent: &AgentRef<Carrier>) {
    let _ = (agent.status(), agent.cost());
}

/// Asks back when it is dropped.
struct AsksBack {
    swarm: Swarm,
    agent: AgentRef<Carrier>,
    dropped: Arc<AtomicUsize>,
    panics: bool,
}

impl Wake for AsksBack {
    fn wake(self: Arc<Self>) {
        look(&self.swarm, &self.agent);
        assert!(!self.panics, "a waker");
    }
}

impl Drop for AsksBack {
    fn drop(&mut self) {
        look(&self.swarm, &self.agent);
        self.dropped.fetch_add(1, Ordering::SeqCst);
        assert!(!self.panics, "the drop of a waker");
    }
}

/// Polls with one waker, then with another: the first is dropped where it was kept.
fn a_waker_that_asks_back(panics: bool) {
    on_threads(async move || {
        let lab = Lab::real_io();
        let swarm = lab.start().await;
        let agent = swarm.spawn(Carrier::spec("agent").mailbox(1)).await.unwrap();
        let dropped = Arc::new(AtomicUsize::new(0));
        let waker = || {
            let (swarm, agent, dropped) = (swarm.clone(), agent.clone(), Arc::clone(&dropped));
            Waker::from(Arc::new(AsksBack { swarm, agent, dropped, panics }))
        };
        let mut asks: Vec<_> = (0..4).map(|_| agent.ask(Load::of(Deed::Wait(5))).within(ms(50))).collect();
        let mut events = swarm.events(Filter::all().kinds([Kind::Session]));
        let mut followed = Box::pin(events.next());
        let mut ended = Box::pin(agent.ended());
        let mut made = 0;
        for _ in 0..3 {
            for ask in &mut asks {
                if Pin::new(ask).poll(&mut Context::from_waker(&pretend(&waker, &mut made))).is_ready() {
                    break;
                }
            }
            assert!(
                followed.as_mut().poll(&mut Context::from_waker(&pretend(&waker, &mut made))).is_pending()
            );
            assert!(ended.as_mut().poll(&mut Context::from_waker(&pretend(&waker, &mut made))).is_pending());
        }
        // Those that wait are woken by what comes; what is left is dropped with its future.
        tokio::time::sleep(ms(100)).await;
        drop((asks, ended, followed));
        let receipt = swarm.stop(Stop::within(ms(2_000))).await;
        assert!(receipt.is_clean(), "{receipt}");
        while dropped.load(Ordering::SeqCst) < made {
            tokio::time::sleep(ms(1)).await;
        }
        lab.conclude(receipt).await.unwrap();
    });
}

/// A waker that is the last of its kind wherever it was kept.
fn pretend(waker: &impl Fn() -> Waker, made: &mut usize) -> Waker {
    *made += 1;
    waker()
}

#[test]
fn a_waker_that_asks_back_when_it_is_woken_or_dropped_waits_for_nobody() {
    a_waker_that_asks_back(false);
}

/// In a simulation as well, where one thread does everything.
#[skep::swarm_test(seeds = 20)]
async fn a_waker_that_panics_ends_nothing(lab: Lab) {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker");
        }
    }
    let swarm = lab.start().await;
    let agent = swarm.spawn(Carrier::spec("agent").mailbox(1)).await.unwrap();
    let other = swarm.spawn(Carrier::spec("other")).await.unwrap();
    let waker = Waker::from(Arc::new(Panics));
    let mut asks: Vec<_> =
        (0..4).map(|at| agent.ask(Load::of(Deed::Wait(5))).within(ms(3 + at * 4))).collect();
    let (mut events, mut ended) = (swarm.events(Filter::all()), Box::pin(agent.ended()));
    let mut stopped = Box::pin(agent.stop(Stop::within(ms(500))));
    for ask in &mut asks {
        assert!(Pin::new(ask).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert!(ended.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    while std::pin::pin!(events.next()).poll(&mut Context::from_waker(&waker)).is_ready() {}
    tokio::time::sleep(ms(100)).await;
    assert!(stopped.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    tokio::time::sleep(ms(700)).await;
    assert!(
        matches!(stopped.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(receipt) if receipt.is_clean())
    );
    assert!(other.ask(Load::default().with(Fuse::default())).await.is_ok());
    drop((asks, ended, stopped));
    lab.end(swarm).await;
}
