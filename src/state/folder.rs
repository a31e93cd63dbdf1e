//! Whether the folder of the state file is safe: ours, writable by nobody else, on a local disk.
//! Called before anything in it is opened. Creates folders only in `make`.

use std::fs::{DirBuilder, File, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use super::failure;
use crate::error::{Failure, Result};
use crate::exit::Exit;

/// Makes the folder and the missing ones above it (0700), then checks it.
pub(super) fn make(folder: &Path) -> Result<()> {
    if check(folder)? {
        return Ok(());
    }
    let above = folder.ancestors().find(|level| level.exists()).unwrap_or(Path::new("/"));
    refuse_shared(above)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| failure::create(format!("cannot create state folder {}", folder.display()), error))?;
    sync_up_to(folder, above);
    check(folder).map(|_| ())
}

/// Refuses a folder that is not safe; tells whether there is one.
pub(super) fn check(folder: &Path) -> Result<bool> {
    match std::fs::metadata(folder) {
        Ok(found) if !found.is_dir() => {
            Err(Failure::new(Exit::Config, format!("{} is not a folder", folder.display()))
                .hint("choose another state file: --state PATH"))
        }
        Ok(found) => {
            refuse_others(folder, &found)?;
            refuse_shared(folder)?;
            Ok(true)
        }
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(failure::create(format!("cannot look at state folder {}", folder.display()), error)),
    }
}

fn refuse_others(folder: &Path, found: &Metadata) -> Result<()> {
    let name = folder.display();
    let euid = rustix::process::geteuid().as_raw();
    if found.uid() != euid {
        return Err(Failure::new(
            Exit::Permission,
            format!("state folder {name} belongs to user {}, this is user {euid}", found.uid()),
        )
        .hint(format!("run as user {}, or choose a folder of your own: --state PATH", found.uid())));
    }
    if found.mode() & 0o022 == 0 {
        return Ok(());
    }
    let failure = Failure::new(Exit::Permission, format!("others may write to state folder {name}"));
    // A sticky folder (/tmp) is meant to be shared: the step is another folder, not another mode.
    Err(if found.mode() & 0o1000 != 0 {
        failure.hint(format!("choose a folder of its own: --state {}", folder.join("refloat/state.db").display()))
    } else {
        failure.hint(format!("chmod go-w '{name}'"))
    })
}

/// Makes the new entries durable: a folder's name is kept by the folder above it. Best effort.
fn sync_up_to(folder: &Path, above: &Path) {
    for level in folder.ancestors().skip(1).take_while(|level| level.starts_with(above)) {
        let _ = File::open(level).and_then(|level| level.sync_all());
    }
}

/// flock and the WAL's shared memory do not cross hosts, and a shared folder fails by losing writes, not by an error.
fn refuse_shared(folder: &Path) -> Result<()> {
    let found = rustix::fs::statfs(folder)
        .map_err(|error| failure::create(format!("cannot look at state folder {}", folder.display()), error))?;
    let magic = found.f_type as u64 & 0xffff_ffff;
    let shared = if magic == FUSE { shared_fuse(&kind(folder)) } else { shared_magic(magic) };
    match shared {
        None => Ok(()),
        Some(kind) => Err(Failure::new(
            Exit::Config,
            format!("state folder {} is on a shared file system ({kind})", folder.display()),
        )
        .hint("locks do not hold across hosts: choose a folder on a local disk, --state PATH")),
    }
}

const FUSE: u64 = 0x6573_5546;

/// File systems that hosts or a host and its guests share, by statfs(2) magic.
const fn shared_magic(magic: u64) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "nfs",
        0x517b => "smb",
        0xfe53_4d42 => "smb2",
        0xff53_4d42 => "cifs",
        0x0102_1997 => "9p",
        0x00c3_6400 => "ceph",
        0x5346_414f | 0x6b41_4653 => "afs",
        0x7375_7245 => "coda",
        0x564c => "ncp",
        0x0bd0_0bd0 => "lustre",
        0x4750_4653 => "gpfs",
        0x0116_1970 => "gfs2",
        0x7461_636f => "ocfs2",
        0x1983_0326 => "beegfs",
        0x786f_4256 => "vboxsf",
        0xbacb_acbc => "vmhgfs",
        0x7c7c_6673 => "prl_fs",
        _ => return None,
    })
}

/// FUSE is many things: an encrypted or overlaid local folder is fine, a remote one is not.
fn shared_fuse(kind: &str) -> Option<&'static str> {
    const SHARED: &[&str] = &[
        "virtiofs",
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.ceph",
        "fuse.ceph-fuse",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.mountpoint-s3",
        "fuse.goofys",
        "fuse.gcsfuse",
        "fuse.juicefs",
        "fuse.davfs2",
        "fuse.curlftpfs",
        "fuse.gvfsd-fuse",
        "fuse.moosefs",
        "fuse.mfs",
        "fuse.grpcfuse",
        "fuse.osxfs",
        "fuse.vmhgfs-fuse",
        "fuse.prl_fsd",
    ];
    SHARED.iter().copied().find(|shared| *shared == kind)
}

/// The type of the mount a folder is on, as /proc/self/mountinfo tells it; empty if it does not.
pub(super) fn kind(folder: &Path) -> String {
    let Ok(found) = std::fs::metadata(folder) else { return String::new() };
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    type_of_device(&mounts, found.dev()).unwrap_or_default().to_owned()
}

/// mountinfo: `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG…] - TYPE SOURCE …` (proc_pid_mountinfo(5)).
fn type_of_device(mounts: &str, device: u64) -> Option<&str> {
    let wanted = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    mounts.lines().find_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        (mount.split(' ').nth(2)? == wanted).then(|| kind.split(' ').next())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_fuse_mount_is_found_by_its_device() {
        let mounts = "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                      30 24 0:52 / /srv/my\\040share rw,nosuid shared:7 - virtiofs host rw\n\
                      31 24 0:53 / /home/a/x rw - fuse.gocryptfs /y rw\n";
        let kind = |minor| shared_fuse(type_of_device(mounts, rustix::fs::makedev(0, minor)).unwrap_or_default());
        assert_eq!(kind(52), Some("virtiofs"));
        assert_eq!(kind(53), None);
        assert_eq!(kind(54), None);
    }

    #[test]
    fn network_file_systems_are_known_and_local_ones_are_not() {
        assert_eq!(shared_magic(0x6969), Some("nfs"));
        assert_eq!(shared_magic(0x0102_1997), Some("9p"));
        for local in [0xef53, 0x0102_1994, 0x9123_683e, 0x794c_7630, 0x5846_5342, 0x2fc1_2fc1] {
            assert_eq!(shared_magic(local), None);
        }
    }
}
