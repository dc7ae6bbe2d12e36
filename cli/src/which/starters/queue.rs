use skep::prelude::*;

/// Up to eight workers take tickets, urgent ones first; what fails three times is set aside.
async fn mend(swarm: &Swarm, tickets: Vec<String>) {
    let mechanic = ModelAgent::new("fast").system("Mend this.").spec("mechanic");
    let drained = queue(swarm, tickets.into_iter().map(Prompt::from))
        .workers(2..=8, |n| mechanic.clone().named(format!("mechanic-{n}")))
        .priority(|ticket| u8::from(ticket.text.contains("urgent")))
        .within(std::time::Duration::from_secs(3_600))
        .await;
    println!("{drained}");
    for letter in drained.dead_letters() {
        println!("set aside: {}", letter.task.text);
    }
}
