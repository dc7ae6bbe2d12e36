//! What is below a folder, reached through the folder's handle.
//!
//! # Invariants
//! 1. What is opened is below the folder, whatever the path says and whatever is renamed or linked anew while it is
//!    resolved: the handle resolves it, never the process. `..` and symlinks work inside the folder and never lead out of it.
//! 2. Only a regular file is read, and its type is checked on the handle that is read. It cannot be swapped in between.
//! 3. Opening never blocks: a pipe without a writer is opened and rejected.
//! 4. A path that was resolved before is opened as it is ([`Beneath::still`]): no part of it may have become a symlink since, so
//!    what was stated about it is true of what is opened.
//! 5. Files that the kernel generates (`/proc`, `/sys`) are not accepted, although they claim to be regular: reading them may
//!    block forever.

#[cfg(feature = "agent")]
mod still;

use std::io::{self, Read};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions};

#[cfg(feature = "agent")]
pub(super) use self::still::{Last, Way, file_in};
use super::wanted::Wanted;

/// A folder, by its handle.
#[derive(Debug)]
pub(super) struct Beneath(Dir);

/// An open regular file below it, and its size when it was opened.
#[derive(Debug)]
pub(super) struct Regular {
    file: File,
    pub(super) size: u64,
}

impl Beneath {
    /// Opens the folder. The caller vouches for its path: symlinks in it are followed.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        Dir::open_ambient_dir(root, ambient_authority()).and_then(real).map(Self)
    }

    /// From a folder that is open already.
    #[cfg(feature = "agent")]
    pub(super) const fn of(dir: Dir) -> Self {
        Self(dir)
    }

    /// A folder below it; the folder itself for an empty path.
    pub(super) fn folder(&self, path: &str) -> io::Result<Dir> {
        let path = if path.is_empty() { "." } else { path };
        self.0.open_dir(path).and_then(real)
    }

    /// A regular file below it.
    pub(super) fn file(&self, path: &str) -> io::Result<Regular> {
        regular(&self.0, path)
    }

    /// Why following a symlink below it would never end, if so. A link that leads out is not examined.
    pub(super) fn circle(&self, link: &str) -> Option<String> {
        match self.0.metadata(link) {
            Ok(target) if target.is_dir() => {
                let target = self.0.canonicalize(link).ok()?;
                let folder = Path::new(link).parent().filter(|folder| !folder.as_os_str().is_empty());
                let folder = self.0.canonicalize(folder.unwrap_or(Path::new("."))).ok()?;
                let leads_back = target == Path::new(".") || folder.starts_with(&target);
                leads_back.then(|| "symlink loop, it leads to a folder around it: not followed".to_owned())
            }
            Err(error) if goes_round(&error) => Some(format!("symlink loop ({error}): not followed")),
            _ => None,
        }
    }
}

/// A regular file in a folder or below it.
pub(super) fn regular(folder: &Dir, path: &str) -> io::Result<Regular> {
    // Opening a device may have effects, so its type is checked before it is opened.
    if !folder.metadata(path).map_err(in_words)?.is_file() {
        return Err(not_regular());
    }
    opened(folder.open_with(path, &at_once()).map_err(in_words)?)
}

/// What was opened, if it is a regular file that somebody wrote.
fn opened(file: File) -> io::Result<Regular> {
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(not_regular());
    }
    let file = real(file)?;
    Ok(Regular { file, size: found.len() })
}

impl Regular {
    /// Reads it as long as the result is wanted, and no more than this many bytes.
    pub(super) fn reader(self, most: u64, wanted: &Wanted) -> impl Read + use<> {
        Bounded { file: self.file, wanted: wanted.clone() }.take(most)
    }
}

struct Bounded {
    file: File,
    wanted: Wanted,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.wanted.still() {
            return Err(io::Error::other("nobody waits for it any more"));
        }
        self.file.read(buffer)
    }
}

#[cfg(unix)]
fn at_once() -> OpenOptions {
    use cap_std::fs::OpenOptionsExt as _;
    use rustix::fs::OFlags;
    let mut options = OpenOptions::new();
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    options.read(true).custom_flags(flags.cast_signed());
    options
}

#[cfg(not(unix))]
fn at_once() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

/// Returns the handle, unless the kernel generates what it refers to.
#[cfg(target_os = "linux")]
fn real<H: std::os::fd::AsFd>(handle: H) -> io::Result<H> {
    // The numbers have 32 bits, but some headers declare `long`.
    let kind = rustix::fs::fstatfs(&handle)?.f_type as u32;
    if MADE_UP.contains(&kind) { Err(io::Error::other("the kernel makes it up")) } else { Ok(handle) }
}

#[cfg(not(target_os = "linux"))]
fn real<H>(handle: H) -> io::Result<H> {
    Ok(handle)
}

/// File systems without files that anybody wrote, by the numbers of `linux/magic.h`.
#[cfg(target_os = "linux")]
const MADE_UP: [u32; 27] = [
    0x9fa0,      // proc
    0x9fa1,      // openprom
    0x9fa2,      // usbdevice
    0x6265_6572, // sysfs
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0xf97c_ff8c, // selinux
    0x4341_5d53, // smack
    0x5a3c_69f0, // apparmor
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0x0765_5821, // resctrl
    0x6265_6570, // configfs
    0x6165_676c, // pstore
    0xde5e_81e4, // efivarfs
    0xcafe_4a11, // bpf
    0x4249_4e4d, // binfmt_misc
    0x1cd1,      // devpts
    0x6573_5543, // fusectl
    0x1980_0202, // mqueue
    0x6e73_6673, // nsfs
    0x6759_6969, // rpc_pipefs
    0x6e66_7364, // nfsd
    0xabba_1974, // xenfs
    0x0904_1934, // anonymous inodes
    0x5049_5045, // pipefs
];

fn not_regular() -> io::Error {
    io::Error::other("it is no regular file")
}

/// Puts the library's error for a path that leads out into our words.
fn in_words(error: io::Error) -> io::Error {
    // Errors of the system have a number, those of the library have none.
    match (error.kind(), error.raw_os_error()) {
        (kind @ io::ErrorKind::PermissionDenied, None) => io::Error::new(kind, "it is not below the folder"),
        _ => error,
    }
}

#[cfg(unix)]
fn goes_round(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn goes_round(_: &io::Error) -> bool {
    false
}
