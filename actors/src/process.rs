//! The one file that begins processes, and reads the environment that they are given. Each has a process group of its own,
//! which is killed when its future is dropped, when whoever holds it lets go, and when the process itself has ended: a deadline or a
//! stop leaves nothing running, nor does a process leave others behind.

mod leash;
mod printed;
mod serving;
mod watch;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use skep_runtime::Env;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use self::leash::Group;
pub(crate) use self::leash::Leash;
pub(crate) use self::printed::{Keep, Printed};
pub(crate) use self::serving::{Pipes, Running, Service};
use self::watch::Watch;

/// What is left in the pipes of a process that has ended is read for so long: it is there, unless somebody else holds them open.
const REST: Duration = Duration::from_secs(5);

/// How a process ended, and what it printed.
pub(crate) struct Ended {
    /// None if it was killed since its time was over.
    pub(crate) status: Option<ExitStatus>,
    pub(crate) stdout: Printed,
    pub(crate) stderr: Printed,
    /// Something that it has begun, and that left its group, holds its output open.
    #[cfg_attr(not(feature = "agent"), expect(dead_code, reason = "only commands say so"))]
    pub(crate) is_held_open: bool,
}

impl Ended {
    pub(crate) fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }
}

/// A process to be: the program, its arguments and what is written to it.
pub(crate) struct Program<'p> {
    pub(crate) name: &'p OsStr,
    pub(crate) arguments: Vec<&'p OsStr>,
    pub(crate) folder: &'p Path,
    /// Variables that it is given besides our own.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Which of our own it is not given; one whose name is no Unicode never is.
    pub(crate) withheld: &'p (dyn Fn(&str) -> bool + Sync),
    pub(crate) input: Vec<u8>,
    pub(crate) stdout: Keep,
    pub(crate) stderr: Keep,
    /// It is killed when it has run for so long.
    pub(crate) within: Option<Duration>,
    /// A shell, if there is one, kills its group when our own process is killed, and what has left the group if there is a `/proc`.
    pub(crate) is_watched: bool,
}

/// Runs a program to its end, with all that it begins.
///
/// Dropping the future kills the process with its whole group, and so does letting go of what the leash is held by.
pub(crate) async fn run(program: Program<'_>, leash: Leash) -> io::Result<Ended> {
    let mut command = Command::new(program.name);
    command.args(&program.arguments).current_dir(program.folder);
    let is_withheld = |name: &OsString| name.to_str().is_none_or(program.withheld);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_withheld(name)) {
        command.env_remove(name);
    }
    command.envs(program.environment);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    // Started first, so that the command is watched from its start.
    let mut watch = if program.is_watched { watch() } else { None };
    if let Some(watch) = &watch {
        command.env(watch::VARIABLE, watch.mark());
    }
    let mut group = Group::of(command.spawn()?, leash)?;
    if let Some(watch) = &mut watch {
        watch.over(group.child.id());
    }
    let child = &mut group.child;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        return Err(io::Error::other("a process has its pipes"));
    };
    let input = program.input;
    let write = async move {
        // One that ends early reads no further, which is its own affair.
        stdin.write_all(&input).await.ok();
        Ok(())
    };
    let (mut out, mut err) = (Printed::new(program.stdout), Printed::new(program.stderr));
    let name = program.name.to_string_lossy();
    // Boxed, since it is handed on by value more than once.
    let running = Box::pin(async {
        // The first error ends it, with the process: one that has too much to say would wait for its reader without end.
        let pipes =
            async { tokio::try_join!(write, read(stdout, &mut out, &name), read(stderr, &mut err, &name)) };
        let mut pipes = std::pin::pin!(pipes);
        tokio::select! {
            biased;
            read = &mut pipes => {
                read?;
                let status = group.ends().await?;
                end(&mut watch).await;
                Ok((status, false))
            }
            status = group.ends() => {
                let status = status?;
                // What has left the group and holds the pipes open is killed first.
                end(&mut watch).await;
                match Env::at_most_outside(REST, pipes).await {
                    Some(read) => read.map(|_| (status, false)),
                    None => Ok((status, true)),
                }
            }
        }
    });
    let ended: Option<io::Result<_>> = match program.within {
        Some(limit) => Env::at_most_outside(limit, running).await,
        None => Some(running.await),
    };
    let (status, is_held_open) = match ended {
        Some(ended) => {
            let (status, is_held_open) = ended?;
            (Some(status), is_held_open)
        }
        None => {
            group.kill();
            Env::at_most_outside(REST, group.ends()).await;
            end(&mut watch).await;
            (None, false)
        }
    };
    Ok(Ended { status, stdout: out, stderr: err, is_held_open })
}

/// What is watched has ended.
async fn end(watch: &mut Option<Watch>) {
    if let Some(watch) = watch {
        watch.ended().await;
    }
}

/// Begins a program that is written to and read from while it runs. It has the variables that it is given and, of our own, those that
/// are let through.
pub(crate) fn begin(service: &Service) -> io::Result<(Running, Pipes)> {
    let mut command = Command::new(&service.program);
    command.args(&service.arguments).env_clear();
    let is_let_through = |name: &OsStr| name.to_str().is_some_and(service.let_through);
    command.envs(std::env::vars_os().filter(|(name, _)| is_let_through(name)));
    command.envs(service.environment.iter().map(|(name, value)| (name, value)));
    if let Some(folder) = &service.folder {
        command.current_dir(folder);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    Running::of(command.spawn()?)
}

/// A watch, over nothing yet; none where there is no shell.
#[cfg(unix)]
fn watch() -> Option<Watch> {
    let (reader, writer) = io::pipe().ok()?;
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", watch::SCRIPT]).current_dir("/").env_clear().process_group(0);
    shell.stdin(reader).stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn().ok().map(|shell| Watch::by(shell, writer))
}

#[cfg(not(unix))]
fn watch() -> Option<Watch> {
    None
}

/// Where our programs are found, without what is relative: in a folder that a model writes to that would be its own programs.
#[cfg(feature = "agent")]
pub(crate) fn absolute_path() -> Option<OsString> {
    let (_, path) = std::env::vars_os().find(|(name, _)| name == "PATH")?;
    std::env::join_paths(std::env::split_paths(&path).filter(|folder| folder.is_absolute())).ok()
}

/// Reads all that is printed, also what is not kept: a full pipe would stop the process.
async fn read(mut pipe: impl AsyncRead + Unpin, printed: &mut Printed, name: &str) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        match pipe.read(&mut buffer).await? {
            0 => return Ok(()),
            read => printed
                .take(&buffer[..read])
                .map_err(|most| io::Error::other(format!("{name} printed more than {most} bytes")))?,
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
