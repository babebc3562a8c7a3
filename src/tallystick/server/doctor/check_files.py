"""Judges files, disks and clocks of this host."""

from __future__ import annotations

import stat

from tallystick.server.doctor.facts import DiskFacts, FileFacts
from tallystick.server.doctor.finding import Findings, found

MIB = 1024 * 1024
DISK_FULL = 64 * MIB
DISK_FILLING = 1024 * MIB
DISK_FILLING_SHARE = 0.05
CLOCK_SLACK_S = 5
"""Clocks that are kept in step differ by less; so does a log that was written a moment ago."""
NETWORK_KINDS = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "drvfs", "fuse.ceph", "fuse.glusterfs", "fuse.rclone",
    "fuse.s3fs", "fuse.sshfs", "fuse.vmhgfs-fuse", "gfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs",
    "nfs", "nfs4", "ocfs2", "orangefs", "prl_fs", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs",
})  # fmt: skip
"""File systems that are shared by several kernels; the locks and the shared memory of SQLite need one."""
_OTHERS = stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH


def check_root_key(key: FileFacts, folder: FileFacts, *, has_database: bool) -> Findings:
    """Judges the file of the root key; whether it is open to others is among what a server refuses to start with.

    Args:
        key: the file.
        folder: the one that it lies in.
        has_database: whether there is a database that needs it.
    """
    if not key.exists:
        if has_database:
            yield found("root_key_missing", f"There is a database, but no root key at {key.path}.")
        return
    if key.problem:
        yield found("root_key_unusable", f"The root key cannot be used: {key.problem}.")
    if folder.exists and folder.mode & stat.S_IWOTH and not folder.mode & stat.S_ISVTX:
        says = f"{folder.path} has mode {folder.mode:04o}, so everybody on this host may put another root key there."
        yield found("root_key_replaceable", says, f"chmod 700 {folder.path}")


def check_disk(disk: DiskFacts) -> Findings:
    """Judges the file system of the database."""
    if disk.kind in NETWORK_KINDS:
        yield found("database_network_fs", f"{disk.folder} lies on {disk.kind}, which is a network file system.")
    if not disk.writable:
        yield found("database_not_writable", f"The database in {disk.folder}, or the folder itself, cannot be written.")
    free = f"{disk.free // MIB} MiB"
    if disk.free < DISK_FULL:
        yield found("disk_full", f"The disk of {disk.folder} has {free} left.")
    elif disk.free < min(DISK_FILLING, disk.total * DISK_FILLING_SHARE):
        yield found("disk_filling", f"The disk of {disk.folder} has {free} left.")


def check_settings_file(file: FileFacts, secrets: tuple[str, ...]) -> Findings:
    """Judges the settings file.

    Args:
        file: the file.
        secrets: the settings in it whose values are secret.
    """
    if file.exists and secrets and file.mode & _OTHERS:
        says = f"{file.path} holds {', '.join(secrets)} and has mode {file.mode:04o}."
        yield found("settings_file_open", says, f"chmod 600 {file.path}")


def check_clock(now: int, newest_at: int) -> Findings:
    """Compares the clock of this host with the log.

    Args:
        now: by this host, in seconds.
        newest_at: the latest instant of the log.
    """
    if newest_at > now + CLOCK_SLACK_S:
        ahead = newest_at - now
        yield found("clock_behind_log", f"The newest entry of the log is {ahead} s ahead of the clock of this host.")
