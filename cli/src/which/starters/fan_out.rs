use skep::prelude::*;

/// A reviewer for each file, six at once; a failure is a row.
async fn review(swarm: &Swarm, files: Vec<String>) {
    let reviewer = ModelAgent::new("fast").system("Review this file.").spec("reviewer");
    let reviews = fan_out(swarm, files).each(|file| (reviewer.clone(), file.into())).budget(Budget::usd("1.00")).await;
    println!("{reviews}");
    for (file, review) in reviews.ok() {
        println!("{file}: {review}");
    }
}
