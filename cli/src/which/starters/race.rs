use skep::prelude::*;

/// The cheap model first; the dear one only where that was not sure.
async fn answer(swarm: &Swarm, question: String) -> Result<String, AgentError> {
    race(swarm, question)
        .runners(["fast", "smart"], |model, question: &String| (ModelAgent::new(model).spec(model), question.as_str().into()))
        .accept(|answer: &String| if answer.contains("not sure") { Err("it is not sure") } else { Ok(()) })
        .in_turn()
        .await
        .into_result()
}
