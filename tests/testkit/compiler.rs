//! What the compiler says to a user who writes what does not compile: the message is ours where it can be.

use std::path::PathBuf;
use std::process::Command;

/// The newest build of the runtime beside this program.
fn runtime() -> (PathBuf, PathBuf) {
    let program = std::env::current_exe().unwrap();
    let folder = program.parent().unwrap().to_owned();
    let built = std::fs::read_dir(&folder).unwrap().flatten().filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("libskep_runtime-") && name.ends_with(".rlib")
    });
    let newest = built.max_by_key(|entry| entry.metadata().and_then(|data| data.modified()).unwrap());
    (newest.expect("the runtime was built for this test").path(), folder)
}

/// Compiles a piece of a user's code and gives what the compiler says against it; nothing if that is nothing.
fn said_against(name: &str, code: &str) -> String {
    let (runtime, others) = runtime();
    let out = std::env::temp_dir().join(format!("skep-compiler-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&out).unwrap();
    let file = out.join("user.rs");
    std::fs::write(&file, format!("#![allow(warnings)]\nuse skep_runtime::*;\n{code}")).unwrap();
    let rustc = Command::new("rustc")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["--edition", "2024", "--crate-type", "lib", "--crate-name", "user", "--emit", "metadata"])
        .args(["--extern".into(), format!("skep_runtime={}", runtime.display())])
        .args(["-L".into(), format!("dependency={}", others.display())])
        .args(["--out-dir".as_ref(), out.as_os_str(), file.as_os_str()])
        .output()
        .expect("whoever builds this has a compiler");
    std::fs::remove_dir_all(&out).unwrap();
    let said = String::from_utf8_lossy(&rustc.stderr).into_owned();
    assert_eq!(rustc.status.success(), said.is_empty(), "{said}");
    said
}

fn agent(body: &str) -> String {
    format!(
        "pub struct User;\n\
         impl Agent for User {{\n    type Task = String;\n    type Output = String;\n\
         \x20   async fn handle(&mut self, task: &String, cx: &Context) -> Result<String, AgentError> {{\n{body}\n    }}\n}}"
    )
}

#[test]
fn a_question_mark_on_somebody_elses_error_is_told_of_agent_error_failed() {
    for (name, body) in [
        ("handle", "Ok(std::fs::read_to_string(task)?)"),
        (
            "effect",
            "let file = task.clone();\n\
             let read = cx.effect(\"read\", task).run(move |_| {\n\
                 let file = file.clone();\n\
                 async move { Ok(std::fs::read_to_string(file)?) }\n\
             });\n\
             Ok(read.await?)",
        ),
        ("number", "Ok(task.parse::<u64>()?.to_string())"),
        ("boxed", "Err(Box::<dyn std::error::Error + Send + Sync>::from(\"no\"))?"),
    ] {
        let said = said_against(name, &agent(body));
        assert!(said.contains("`.map_err(AgentError::failed)?`"), "{name}: {said}");
        assert!(!said.contains("implement trait `From<T>`"), "{name}: a list of all that is no help: {said}");
        assert_eq!(said.matches("error[E").count(), 1, "{name}: one thing is wrong: {said}");
    }
}

#[test]
fn a_question_mark_on_an_error_of_skep_or_of_the_users_own_needs_no_word() {
    let own = "pub struct Mine;\n\
               impl From<Mine> for AgentError {\n    fn from(_: Mine) -> Self { AgentError::message(\"mine\") }\n}\n";
    let body = "let other = cx.agent().spawn(AgentSpec::new(\"other\", || User)).await?;\n\
                let said = other.ask(task.clone()).await?;\n\
                let again = AgentError::redeliver(EffectError::Expired { agent: cx.id().clone(), kind: said });\n\
                if task.is_empty() { return Err(again); }\n\
                if task == \"mine\" { Err(Mine)?; }\n\
                Ok(std::fs::read_to_string(task).map_err(AgentError::failed)?)";
    let said = said_against("right", &(own.to_owned() + &agent(body)));
    assert_eq!(said, "");
}
