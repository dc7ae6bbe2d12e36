//! What people and other programs do to a swarm while it works, at random: tasks, stops, kills, interrupts, drops, pauses,
//! grants, replays, and changes of who is there.

use std::future::{Future, IntoFuture};
use std::sync::Arc;

use skep::testkit::{Dice, FaultPlan, Lab, Point};
use skep::{
    AgentRef, Budget, Intensity, OnDrop, Pause, Restart, Scope, ScopeOwner, Stop, Strategy, Swarm,
    SwarmBuilder,
};

use crate::imp::Neighbours;
use crate::{Forest, Imp, Soil, acts, amount, ms};

/// A wild swarm in a lab, and what blows over it.
pub struct Storm {
    lab: Lab,
    swarm: Swarm,
    forest: Forest,
    dice: Dice,
    neighbours: Arc<Neighbours>,
    /// What goes on beside the test, to be waited for.
    beside: Vec<tokio::task::JoinHandle<()>>,
}

/// Faults at every kind of point, each with a small chance.
pub fn faults(dice: &mut Dice) -> FaultPlan {
    let chance = dice.between(5, 60);
    let mut plan = FaultPlan::default();
    let block = ms(dice.between(50, 3_000));
    let points = [
        Point::turn,
        Point::stop,
        Point::start,
        || Point::step("*"),
        || Point::effect("*"),
        || Point::question("*"),
    ];
    for point in points {
        let at = || point().chance(chance);
        let rule = match dice.below(9) {
            0 => at().panics(),
            1 => at().hangs(),
            2 => at().hangs_deaf(),
            3 => at().slows(ms(dice.between(1, 700))),
            4 => at().blocks(block),
            5 => at().loses_cell(),
            6 => at().kills(),
            7 => at().spawns(),
            _ => Point::effect("*").chance(chance).costs(amount(dice.between(1, 3))),
        };
        plan = plan.rule(rule.may_rest());
    }
    // A hook that spawns has to be refused, and a step is where most things can happen.
    plan.rule(Point::stop().chance(100).spawns().may_rest())
        .rule(Point::step("*").chance(100).loses_cell().may_rest())
}

impl Storm {
    /// Starts a swarm with one or more random trees.
    pub async fn begin(lab: &Lab, soil: Soil) -> Self {
        Self::begin_with(lab, soil, |builder| builder).await
    }

    /// The same with a swarm that is described further.
    pub async fn begin_with(
        lab: &Lab,
        soil: Soil,
        describe: impl FnOnce(SwarmBuilder) -> SwarmBuilder,
    ) -> Self {
        Self::begin_under(lab, soil, FaultPlan::default(), describe).await
    }

    /// The same under a plan that has more faults than every storm.
    pub async fn begin_under(
        lab: &Lab,
        soil: Soil,
        more: FaultPlan,
        describe: impl FnOnce(SwarmBuilder) -> SwarmBuilder,
    ) -> Self {
        let mut dice = lab.dice();
        let mut plan = faults(&mut dice);
        plan.rules.extend(more.rules);
        let neighbours = Arc::<Neighbours>::default();
        let lab = lab.clone().plan(plan);
        let rules = dice.below(3) as usize;
        let swarm = lab
            .start_with(|builder| {
                let builder =
                    describe(builder.max_depth(32)).background_stop(ms(2_000)).intensity(3, ms(5_000));
                let builder = builder.resource(Arc::clone(&neighbours));
                if rules == 0 { builder.permits("call-0", 2) } else { builder }
            })
            .await;
        let beside = swarm.spawn(Imp::spec("beside").mailbox(2)).await.ok();
        let forest = Forest::new(dice.clone(), soil, beside);
        let mut storm = Self { lab, swarm, forest, dice, neighbours, beside: Vec::new() };
        for _ in 0..storm.dice.between(1, 3) {
            storm.plant().await;
        }
        storm
    }

    pub fn swarm(&self) -> Swarm {
        self.swarm.clone()
    }

    async fn plant(&mut self) {
        let swarm = self.swarm.clone();
        if self.dice.chance(300) {
            let spec = self.forest.supervised();
            self.aside(async move { drop(swarm.spawn(spec).await) });
        } else {
            let spec = self.forest.tree();
            self.aside(async move { drop(swarm.spawn(spec).await) });
        }
        let pause = self.dice.below(50);
        tokio::time::sleep(ms(pause)).await;
    }

    fn aside(&mut self, what: impl Future<Output = ()> + Send + 'static) {
        self.beside.push(tokio::spawn(what));
    }

    /// Any agent of the forest that lives, if it does not take too long to find one.
    fn someone(&mut self) -> Option<AgentRef<Imp>> {
        let found = (0..6).find_map(|_| {
            let name = self.dice.pick(&self.forest.names);
            self.swarm.agent::<Imp>(name).ok()
        });
        let agent = found?;
        self.neighbours.met(&agent);
        Some(agent)
    }

    /// So many things happen, a little apart; `stops`: stops of single agents are among them.
    pub async fn blow(&mut self, gusts: u64, stops: bool) {
        for _ in 0..gusts {
            match self.someone() {
                Some(agent) => self.gust(agent, stops),
                None => self.plant().await,
            }
            if self.dice.chance(600) {
                let pause = self.dice.below(300);
                tokio::time::sleep(ms(pause)).await;
            }
        }
    }

    fn gust(&mut self, agent: AgentRef<Imp>, stops: bool) {
        match self.dice.below(if stops { 26 } else { 22 }) {
            0..=10 => self.work(agent),
            11 => drop(agent.interrupt()),
            12 => agent.kill(),
            13..=15 => self.pause(agent),
            16 => drop(agent.grant(Budget::new().calls(self.dice.below(20)))),
            17 => {
                let swarm = self.swarm.clone();
                self.aside(async move { drop(swarm.sweep().await) });
            }
            18 => self.replay(&agent),
            19..=21 => self.change(&agent),
            _ => self.stop(agent),
        }
    }

    /// A task, in one of the ways in which one is given.
    fn work(&mut self, agent: AgentRef<Imp>) {
        let told = acts(&mut self.dice, 2);
        let (patience, pause) = (ms(self.dice.between(1, 1_500)), ms(self.dice.below(1_500)));
        match self.dice.below(11) {
            0..=3 => drop(agent.tell(told)),
            // An ask that is dropped at some time.
            4..=6 => self.aside(async move {
                drop(tokio::time::timeout(pause, agent.ask(told).within(patience)).await);
            }),
            7 => self.aside(async move {
                drop(
                    agent
                        .ask(told)
                        .accept(|output| if *output < 2 { Err("too little") } else { Ok(()) })
                        .await,
                );
            }),
            8 => drop(agent.try_ask(told).map(skep::Ask::detach)),
            9 => {
                let name = self.forest.name("run");
                let then = if self.dice.chance(300) { OnDrop::Continue } else { OnDrop::Stop };
                let run = self.swarm.run(Imp::spec(name).under(&agent), told).within(patience).on_drop(then);
                self.aside(async move { drop(tokio::time::timeout(pause, run.into_future()).await) });
            }
            _ => {
                let name = self.forest.name("scoped");
                self.aside(async move {
                    let Ok(scope) = Scope::open(&ScopeOwner::from(&agent), "scope") else { return };
                    let Ok(child) = scope.spawn(Imp::spec(name)).await else { return };
                    drop(child.tell(told));
                    tokio::time::sleep(pause).await;
                });
            }
        }
    }

    /// A pause of an agent or of all, that is lifted at some time, by this one or another, or stays.
    fn pause(&mut self, agent: AgentRef<Imp>) {
        let dice = &mut self.dice;
        let (patience, pause) = (ms(dice.between(1, 1_500)), ms(dice.below(1_500)));
        let way = if dice.chance(500) { Pause::now() } else { Pause::at_next_await() };
        let way = if dice.chance(300) { way.hold_deadlines() } else { way }.within(patience);
        let is_lifted = dice.chance(700);
        let swarm = self.swarm.clone();
        match dice.below(8) {
            0 | 1 => drop(agent.resume()),
            2 => drop(swarm.resume()),
            3 => self.aside(async move {
                drop(swarm.pause(way).await);
                tokio::time::sleep(pause).await;
                drop(swarm.resume());
            }),
            _ => self.aside(async move {
                drop(agent.pause(way).await);
                tokio::time::sleep(pause).await;
                if is_lifted {
                    drop(agent.resume());
                }
            }),
        }
    }

    /// A dead letter is tried again, by its agent or another.
    fn replay(&mut self, other: &AgentRef<Imp>) {
        let letters = self.swarm.dead_letters();
        if letters.is_empty() {
            return;
        }
        let letter = self.dice.pick(&letters);
        let own = self.swarm.agent::<Imp>(&letter.name).ok().filter(|_| self.dice.chance(500));
        let patience = ms(self.dice.between(1, 1_500));
        if let Ok(replay) = self.swarm.replay(&letter.task, own.as_ref().unwrap_or(other)) {
            self.aside(async move { drop(replay.within(patience).await) });
        }
    }

    /// Somebody changes who works under an agent, or how that deals with them.
    fn change(&mut self, agent: &AgentRef<Imp>) {
        let children = agent.children();
        let names: Vec<_> = children.which_children().into_iter().map(|child| child.name).collect();
        let dice = &mut self.dice;
        if names.is_empty() || dice.chance(300) {
            let (late, work) = (self.forest.late(), acts(&mut self.dice, 1));
            let (swarm, agent, keeps_spec) = (self.swarm(), agent.clone(), self.dice.chance(500));
            self.aside(async move {
                let spawned = if keeps_spec {
                    children.start_child(late).await
                } else {
                    swarm.spawn(late.under(&agent)).await
                };
                if let Ok(child) = spawned {
                    drop(child.tell(work));
                }
            });
            return;
        }
        let name = dice.pick(&names).clone();
        let restart = *dice.pick(&[Restart::Permanent, Restart::Transient, Restart::Temporary]);
        let strategy = *dice.pick(&[Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne]);
        let intensity = Intensity { restarts: dice.below(4) as u32, period: ms(5_000) };
        match dice.below(6) {
            0 | 1 => self.aside(async move { drop(children.terminate_child(&name).await) }),
            2 => self.aside(async move { drop(children.restart_child(&name).await) }),
            3 => self.aside(async move {
                drop(children.terminate_child(&name).await);
                drop(children.delete_child(&name).await);
            }),
            4 => drop(children.change_child(&name, |child| child.restart = restart)),
            _ => drop(children.change(|policy| {
                policy.strategy = strategy;
                policy.intensity = intensity;
            })),
        }
    }

    /// It is stopped or drained, by somebody who may not wait for the receipt.
    fn stop(&mut self, agent: AgentRef<Imp>) {
        let dice = &mut self.dice;
        let (patience, pause) = (ms(dice.between(1, 1_500)), ms(dice.below(1_500)));
        let stop = if dice.chance(200) { Stop::brutally() } else { Stop::within(patience) };
        let lab = self.lab.clone();
        match dice.below(5) {
            0 => self.aside(async move { drop(agent.drain(patience).await) }),
            1 => self.aside(async move { drop(tokio::time::timeout(pause, agent.stop(stop)).await) }),
            _ => self.aside(async move { lab.saw(&agent.stop(stop).await) }),
        }
    }

    /// Ends the swarm at this moment, whatever is going on, and hears every oracle.
    pub async fn end(mut self) -> skep::testkit::History {
        let stop = match self.dice.below(4) {
            0 => Stop::brutally(),
            1 => Stop::within(ms(self.dice.between(1, 400))),
            _ => Stop::within(ms(self.dice.between(400, 8_000))),
        };
        let receipt = self.swarm.stop(stop).await;
        self.lab.saw(&receipt);
        self.neighbours.part();
        for beside in std::mem::take(&mut self.beside) {
            beside.await.expect("what goes on beside a swarm ends in order");
        }
        match self.lab.conclude(receipt).await {
            Ok(history) => history,
            Err(failure) => panic!("{failure}"),
        }
    }
}
