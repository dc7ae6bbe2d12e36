//! What people and other programs do to a swarm while it works: tasks, stops, kills, interrupts, drops, at random.

use std::future::{Future, IntoFuture};

use skep::testkit::{Dice, FaultPlan, Lab, Point};
use skep::{AgentRef, Pause, Scope, ScopeOwner, Stop, Swarm, SwarmBuilder};

use super::forest::{Forest, Imp, Soil, acts, amount, ms};

/// A wild swarm in a lab, and what blows over it.
pub(crate) struct Storm {
    lab: Lab,
    swarm: Swarm,
    forest: Forest,
    dice: Dice,
    /// What goes on beside the test, to be waited for.
    beside: Vec<tokio::task::JoinHandle<()>>,
}

/// Faults at every kind of point, each with a small chance.
pub(crate) fn faults(dice: &mut Dice) -> FaultPlan {
    let chance = dice.between(5, 60);
    let mut plan = FaultPlan::default();
    let block = ms(dice.between(50, 3_000));
    let points = [Point::turn, Point::stop, Point::start, || Point::step("*"), || Point::effect("*")];
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
            _ => at().costs(amount(dice.between(1, 3))),
        };
        plan = plan.rule(rule.may_rest());
    }
    // A hook that spawns has to be refused, and a step is where most things can happen.
    plan.rule(Point::stop().chance(100).spawns().may_rest())
        .rule(Point::step("*").chance(100).loses_cell().may_rest())
}

impl Storm {
    /// Starts a swarm with one or more random trees.
    pub(crate) async fn begin(lab: &Lab, soil: Soil) -> Self {
        Self::begin_with(lab, soil, |builder| builder).await
    }

    /// The same with a swarm that is described further.
    pub(crate) async fn begin_with(
        lab: &Lab,
        soil: Soil,
        describe: impl FnOnce(SwarmBuilder) -> SwarmBuilder,
    ) -> Self {
        let mut dice = lab.dice();
        let plan = faults(&mut dice);
        let lab = lab.clone().plan(plan);
        let rules = dice.below(3) as usize;
        let swarm = lab
            .start_with(|builder| {
                let builder =
                    describe(builder.max_depth(32)).background_stop(ms(2_000)).intensity(3, ms(5_000));
                if rules == 0 { builder.permits("call-0", 2) } else { builder }
            })
            .await;
        let beside = swarm.spawn(Imp::spec("beside").mailbox(2)).await.ok();
        let forest = Forest::new(dice.clone(), soil, beside);
        let mut storm = Self { lab, swarm, forest, dice, beside: Vec::new() };
        for _ in 0..storm.dice.between(1, 3) {
            storm.plant().await;
        }
        storm
    }

    pub(crate) fn swarm(&self) -> Swarm {
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

    /// Any agent of the forest that lives.
    fn someone(&mut self) -> Option<AgentRef<Imp>> {
        let name = self.dice.pick(&self.forest.names).clone();
        self.swarm.agent::<Imp>(&name).ok()
    }

    /// So many things happen, a little apart; `stops`: stops of single agents are among them.
    pub(crate) async fn blow(&mut self, gusts: u64, stops: bool) {
        for _ in 0..gusts {
            if let Some(agent) = self.someone() {
                self.gust(agent, stops);
            }
            if self.dice.chance(600) {
                let pause = self.dice.below(300);
                tokio::time::sleep(ms(pause)).await;
            }
        }
    }

    fn gust(&mut self, agent: AgentRef<Imp>, stops: bool) {
        let told = acts(&mut self.dice, 2);
        let (patience, pause) = (self.dice.between(1, 1_500), self.dice.below(1_500));
        match self.dice.below(if stops { 19 } else { 15 }) {
            0..=3 => drop(agent.tell(told)),
            // An ask that is dropped at some time.
            4..=6 => self.aside(async move {
                drop(tokio::time::timeout(ms(pause), agent.ask(told).within(ms(patience))).await);
            }),
            7 => drop(agent.try_ask(told).map(skep::Ask::detach)),
            8 => drop(agent.interrupt()),
            9 => agent.kill(),
            10 => {
                let swarm = self.swarm.clone();
                let name = self.forest.name("run");
                let run = swarm.run(Imp::spec(name).under(&agent), told).within(ms(patience));
                self.aside(async move { drop(tokio::time::timeout(ms(pause), run.into_future()).await) });
            }
            11 => {
                let name = self.forest.name("scoped");
                self.aside(async move {
                    let Ok(scope) = Scope::open(&ScopeOwner::from(&agent), "scope") else { return };
                    let Ok(child) = scope.spawn(Imp::spec(name)).await else { return };
                    drop(child.tell(told));
                    tokio::time::sleep(ms(pause)).await;
                });
            }
            // A pause that is lifted at some time, by this one or another, or stays.
            12 | 13 => {
                let way = if self.dice.chance(500) { Pause::now() } else { Pause::at_next_await() };
                let way = if self.dice.chance(300) { way.hold_deadlines() } else { way };
                let is_lifted = self.dice.chance(700);
                self.aside(async move {
                    drop(agent.pause(way.within(ms(patience))).await);
                    tokio::time::sleep(ms(pause)).await;
                    if is_lifted {
                        drop(agent.resume());
                    }
                });
            }
            14 => drop(agent.resume()),
            15 => self.aside(async move { drop(agent.drain(ms(patience)).await) }),
            _ => {
                let stop = if self.dice.chance(200) { Stop::brutally() } else { Stop::within(ms(patience)) };
                let lab = self.lab.clone();
                let is_dropped = self.dice.chance(200);
                self.aside(async move {
                    if is_dropped {
                        drop(tokio::time::timeout(ms(pause), agent.stop(stop)).await);
                    } else {
                        lab.saw(&agent.stop(stop).await);
                    }
                });
            }
        }
    }

    /// Ends the swarm at this moment, whatever is going on, and hears every oracle.
    pub(crate) async fn end(mut self) -> skep::testkit::History {
        let stop = match self.dice.below(4) {
            0 => Stop::brutally(),
            1 => Stop::within(ms(self.dice.between(1, 400))),
            _ => Stop::within(ms(self.dice.between(400, 8_000))),
        };
        let receipt = self.swarm.stop(stop).await;
        self.lab.saw(&receipt);
        for beside in std::mem::take(&mut self.beside) {
            beside.await.expect("what goes on beside a swarm ends in order");
        }
        match self.lab.conclude(receipt).await {
            Ok(history) => history,
            Err(failure) => panic!("{failure}"),
        }
    }
}
