//! What kind of file system a path is on: one that other hosts write to, or that gives no notices of changes.
//! Asked by `state` before it trusts a folder, and by a wait before it trusts notices. It changes nothing.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The kind of a file system that hosts, or a host and its guests, share; none for a local one.
///
/// # Errors
/// What statfs(2) gives.
pub(crate) fn shared(path: &Path) -> io::Result<Option<&'static str>> {
    let magic = magic(path)?;
    Ok(if magic == FUSE { shared_fuse(&kind(path)) } else { shared_magic(magic) })
}

/// Whether changes come about here that inotify does not tell: those of another host, of a FUSE server, of the kernel
/// (inotify(7), "Limitations and caveats"). One that cannot be asked counts as silent.
#[must_use]
pub(crate) fn is_silent(path: &Path) -> bool {
    magic(path).map_or(true, |magic| magic == FUSE || shared_magic(magic).is_some() || OF_THE_KERNEL.contains(&magic))
}

fn magic(path: &Path) -> io::Result<u64> {
    Ok(rustix::fs::statfs(path)?.f_type as u64 & 0xffff_ffff)
}

/// proc, sysfs, cgroup2, cgroup, debugfs, tracefs.
const OF_THE_KERNEL: [u64; 6] = [0x9fa0, 0x6265_6572, 0x6367_7270, 0x0027_e0eb, 0x6462_6720, 0x7472_6163];

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
pub(crate) fn kind(folder: &Path) -> String {
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

    #[test]
    fn what_the_kernel_makes_up_tells_no_changes() {
        assert!(is_silent(Path::new("/proc/self")) && is_silent(Path::new("/no/such/path")));
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_silent(folder.path()));
        assert_eq!(shared(folder.path()).unwrap(), None);
    }
}
