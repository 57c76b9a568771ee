"""What the Linux kernel offers to keep a process to itself: a view of /opt/ml of its own.

User and mount namespaces: https://man7.org/linux/man-pages/man7/mount_namespaces.7.html,
https://man7.org/linux/man-pages/man7/user_namespaces.7.html. They need no privileges on most
systems; where they are missing (macOS, most Docker containers, hardened kernels) ``probe`` says so.
"""

import ctypes
import os
import signal
import sys
import tempfile
from pathlib import Path

OPT = Path("/opt")
OPT_ML = "/opt/ml"

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
"""https://github.com/torvalds/linux/tree/master/include/uapi/linux: sched.h, mount.h, prctl.h."""

_IS_LINUX = sys.platform == "linux"
_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def end_with_parent() -> None:
    """Have the kernel kill this process when the thread that forked it is gone."""
    if _IS_LINUX:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parents end, so that they can be found."""
    if _IS_LINUX:
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def mount_as_opt_ml(directory: str) -> None:
    """Show this process and those that it starts ``directory`` at /opt/ml, and nobody else.

    Raises
    ------
    OSError
        Where the kernel does not allow it.
    """
    if not _IS_LINUX:
        raise OSError("only Linux has mount namespaces")
    _enter_namespace()
    _mount("none", "/", MS_REC | MS_PRIVATE)
    if not Path(OPT_ML).is_dir():
        _make_mount_point()
    _mount(directory, OPT_ML, MS_BIND | MS_REC)


def probe() -> str:
    """Why ``mount_as_opt_ml`` does not work here; empty where it does."""
    with tempfile.TemporaryDirectory() as directory:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            reason = ""
            try:
                mount_as_opt_ml(directory)
            except OSError as error:
                reason = str(error.strerror or error)
            os.write(writer, reason.encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as answer:
            reason = answer.read()
        os.waitpid(child, 0)
    return reason


def namespace_of(process_id: int | str) -> str:
    """What tells the mount namespace of a process from others; empty when it cannot be read."""
    try:
        return str(Path(f"/proc/{process_id}/ns/mnt").readlink())
    except OSError:
        return ""


def _enter_namespace() -> None:
    """A mount namespace of our own; without privileges inside of a user namespace."""
    if _libc.unshare(CLONE_NEWNS) == 0:
        return
    user, group = os.getuid(), os.getgid()
    _checked(_libc.unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _make_mount_point() -> None:
    """A folder /opt/ml in a /opt that shows all that the machine's shows."""
    with tempfile.TemporaryDirectory() as aside:
        _mount(str(OPT), aside, MS_BIND | MS_REC)
        _mount("tmpfs", str(OPT), 0, "tmpfs")
        for entry in Path(aside).iterdir():
            _show(entry, OPT / entry.name)
        Path(OPT_ML).mkdir()
        _checked(_libc.umount2(aside.encode(), MNT_DETACH), f"umount {aside}")


def _show(entry: Path, place: Path) -> None:
    if entry.is_symlink():
        place.symlink_to(entry.readlink())
        return
    if entry.is_dir():
        place.mkdir()
    else:
        place.touch()
    _mount(str(entry), str(place), MS_BIND | MS_REC)


def _mount(source: str, target: str, flags: int, kind: str | None = None) -> None:
    result = _libc.mount(
        source.encode(), target.encode(), kind.encode() if kind else None, flags, None
    )
    _checked(result, f"mount {target}")
