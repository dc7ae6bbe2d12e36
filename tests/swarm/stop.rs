//! P1: nothing outlives a stop.

use super::forest::Soil;
use super::storm::Storm;
use skep::testkit::Lab;

#[skep::swarm_test(seeds = 300)]
async fn nothing_outlives_a_stop_at_any_moment_and_seat(lab: Lab) {
    let mut storm = Storm::begin(&lab, Soil::WILD).await;
    let gusts = lab.dice().between(0, 30);
    storm.blow(gusts, true).await;
    storm.end().await;
}
