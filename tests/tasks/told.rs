//! What an agent hands to its asker while it works: as it comes, in its order, and nowhere in the journal.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use skep::testkit::{Lab, Point, TestResult};
use skep::{Agent, AgentError, AgentRef, AgentSpec, AskError, Context, Outcome};

use super::forest::ms;

/// A word of an answer. How many live is counted.
struct Word(usize, Arc<AtomicUsize>);

impl Word {
    fn new(number: usize, alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self(number, Arc::clone(alive))
    }
}

impl Drop for Word {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Hands over so many words, one each ten milliseconds, and something else between them.
struct Speaker(Arc<AtomicUsize>);

impl Agent for Speaker {
    type Task = usize;
    type Output = usize;

    async fn handle(&mut self, words: &usize, cx: &Context) -> Result<usize, AgentError> {
        for number in 0..*words {
            cx.tell_asker(Word::new(number, &self.0));
            cx.tell_asker(number);
            if number % 100 == 0 {
                tokio::time::sleep(ms(10)).await;
            }
            if *words == 4 {
                cx.step("spoken").await?;
            }
        }
        Ok(*words)
    }
}

async fn speaker(swarm: &skep::Swarm, alive: &Arc<AtomicUsize>) -> AgentRef<Speaker> {
    let alive = Arc::clone(alive);
    swarm.spawn(AgentSpec::new("speaker", move || Speaker(Arc::clone(&alive)))).await.unwrap()
}

/// Passes on what it is told.
struct Reader(AgentRef<Speaker>);

impl Agent for Reader {
    type Task = usize;
    type Output = Vec<usize>;

    async fn handle(&mut self, words: &usize, cx: &Context) -> Result<Vec<usize>, AgentError> {
        let mut told = cx.ask(&self.0, *words).stream::<Word>();
        let mut heard = Vec::new();
        while let Some(word) = told.next().await {
            heard.push(word.0);
        }
        assert_eq!(told.output().await?, *words);
        Ok(heard)
    }
}

#[skep::swarm_test(seeds = 20)]
async fn words_come_in_their_order_and_then_the_answer(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let alive = Arc::default();
    let speaker = speaker(&swarm, &alive).await;
    let mut told = speaker.ask(250).stream::<Word>();
    let mut heard = Vec::new();
    while let Some(word) = told.next().await {
        assert!(word.0 < 200 || heard.len() >= 100, "the first are there before the last are spoken");
        heard.push(word.0);
    }
    assert_eq!((heard, told.missed()), ((0..250).collect(), 0));
    assert!(told.next().await.is_none(), "none after the last");
    assert_eq!(told.output().await?, 250);
    let asked = speaker.clone();
    let reader = swarm.spawn(AgentSpec::new("reader", move || Reader(asked.clone()))).await?;
    assert_eq!(reader.ask(30).await?.len(), 30, "in a turn, too");
    drop((speaker, reader));
    let history = lab.end(swarm).await;
    assert_eq!(history.count("custom"), 0);
    assert_eq!(alive.load(Ordering::SeqCst), 0, "each word was dropped");
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn of_what_nobody_reads_the_oldest_are_dropped_and_counted(lab: Lab) -> TestResult {
    let swarm = lab.start().await;
    let alive = Arc::default();
    let speaker = speaker(&swarm, &alive).await;
    let mut told = speaker.ask(3_000).within(ms(60_000)).stream::<Word>();
    assert_eq!(told.next().await.map(|word| word.0), Some(0));
    tokio::time::sleep(ms(30_000)).await;
    let mut left = 0;
    while let Some(word) = told.next().await {
        left += 1;
        assert!(word.0 > 1_000);
    }
    assert!(left <= 512 && told.missed() > 4_900, "{left} and {}", told.missed());
    assert_eq!(told.output().await?, 3_000);
    // Whom nobody hears is no trouble, whether it was asked or told.
    speaker.tell(5_000)?;
    assert_eq!(speaker.ask(5_000).within(ms(60_000)).await?, 5_000);
    assert_eq!(alive.load(Ordering::SeqCst), 0, "what nobody reads is kept for nobody");
    drop(speaker);
    lab.end(swarm).await;
    Ok(())
}

#[skep::swarm_test(seeds = 20)]
async fn a_dropped_stream_withdraws_the_task_and_a_crash_takes_nothing_back(lab: Lab) -> TestResult {
    let lab = lab.fault(Point::step("spoken").nth(3).panics());
    let swarm = lab.start().await;
    let alive = Arc::default();
    let speaker = speaker(&swarm, &alive).await;
    let mut told = speaker.ask(4).stream::<Word>();
    let mut heard = Vec::new();
    while let Some(word) = told.next().await {
        heard.push(word.0);
    }
    assert_eq!(heard, [0, 1, 2, 0, 1, 2, 3], "the second attempt begins again");
    assert_eq!(told.output().await?, 4);
    let mut told = speaker.ask(1_000).stream::<Word>();
    assert!(told.next().await.is_some());
    drop(told);
    tokio::time::sleep(ms(3_000)).await;
    let expired = speaker.ask(100_000).within(ms(50)).stream::<Word>().output().await;
    assert!(matches!(expired, Err(AskError::Expired(_))));
    drop(speaker);
    let history = lab.end(swarm).await;
    assert_eq!(history.outcomes("speaker"), [Outcome::Done, Outcome::Withdrawn, Outcome::Expired]);
    assert_eq!(alive.load(Ordering::SeqCst), 0);
    Ok(())
}
