//! Any items, limits and seeds against a plain model of what a fan-out does.

use std::collections::BTreeMap;

use proptest::prelude::*;
use skep::Env;

use crate::rig::*;

/// What a plain model says of the rows: letters as in `ends`, and the attempts of each.
fn model(items: &[Does], at_most: usize, batch: usize, give_up: usize, within: u64) -> (String, Vec<u32>) {
    let mut ends = vec!['n'; items.len()];
    let mut attempts = vec![0; items.len()];
    let (mut working, mut now, mut begun, mut failed) = (BTreeMap::new(), 0, 0, 0);
    loop {
        while begun < items.len()
            && failed < give_up
            && working.len() < at_most
            && (working.is_empty() || begun % batch != 0)
        {
            let lasts = match items[begun] {
                Answers(ms) => ms,
                Fails(ms) => ms * 3,
                Crashes(times, ms) => ms * u64::from(times + 1).min(3),
                _ => u64::MAX,
            };
            working.insert(now + lasts, begun);
            begun += 1;
        }
        let Some((at, item)) = working.pop_first() else { break };
        if at >= within || failed >= give_up {
            let until = if failed >= give_up { now } else { within };
            for (item, at) in working.into_iter().map(|(at, item)| (item, at)).chain([(item, at)]) {
                ends[item] = 's';
                attempts[item] = match items[item] {
                    Fails(ms) | Crashes(_, ms) => {
                        let times = if let Crashes(times, _) = items[item] { times } else { 2 };
                        let began = at - ms * u64::from(times + 1).min(3);
                        u32::try_from((until - began) / ms + 1).unwrap()
                    }
                    _ => 1,
                };
            }
            break;
        }
        now = at;
        let (end, tries) = match items[item] {
            Answers(_) => ('d', 1),
            Crashes(times, _) if times < 3 => ('d', times + 1),
            Crashes(..) => ('f', 3),
            Fails(_) => ('f', 3),
            _ => ('f', 1),
        };
        (ends[item], attempts[item]) = (end, tries);
        failed += usize::from(end == 'f');
    }
    (ends.into_iter().collect(), attempts)
}

/// Items of a case at most, so that each has two bits of [`UNIT`] to itself.
const MOST: usize = 9;
/// In milliseconds; what is below it tells moments apart.
const UNIT: u64 = 1 << (2 * MOST + 1);

/// Items whose ends never fall together, nor upon a whole unit: each lasts some units and a power of four of its own, at most
/// three times, so that the moment at which a chain of them ends says which they were.
fn items() -> impl Strategy<Value = Vec<Does>> {
    let does = (0..8_u32, 1..12_u64);
    prop::collection::vec(does, 0..=MOST).prop_map(|all| {
        let time = |at: usize, units: u64| units * UNIT + (1 << (2 * at));
        let does = |(at, (kind, units)): (usize, (u32, u64))| match kind {
            0..4 => Answers(time(at, units)),
            4 | 5 => Fails(time(at, units)),
            _ => Crashes(1 + at as u32 % 3, time(at, units)),
        };
        all.into_iter().enumerate().map(does).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn any_items_end_as_a_plain_model_says(
        items in items(),
        at_most in 1..5_usize,
        batch in prop_oneof![Just(usize::MAX), 1..5_usize],
        give_up in prop_oneof![Just(usize::MAX), 1..4_usize],
        within in prop_oneof![Just(1_000), 1..40_u64],
        seed: u64,
    ) {
        let within = within * UNIT;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let swarm = swarm_in(Env::simulated(seed, None)).await;
            let fan = fan(&swarm, &items).at_most(at_most).batches_of(batch).give_up_after(give_up);
            let gathered = fan.within(millis(within)).await;
            let attempts: Vec<_> = gathered.rows().iter().map(|row| row.attempts).collect();
            prop_assert_eq!((ends(&gathered), attempts), model(&items, at_most, batch, give_up, within));
            for row in gathered.rows() {
                prop_assert_eq!(row.cost.calls, u64::from(row.attempts), "each attempt is one call: {:?}", row);
            }
            prop_assert_eq!(gathered.cost(), swarm.cost().spent);
            prop_assert!(gauge(&swarm).await.0 <= at_most);
            prop_assert_eq!(alive(&swarm), Vec::<String>::new());
            Ok(())
        })?;
    }
}
