"""What the Linux kernel offers to keep a process to itself: /opt/ml and process ids of its own.

User, mount and process id namespaces: https://man7.org/linux/man-pages/man7/mount_namespaces.7.html,
https://man7.org/linux/man-pages/man7/user_namespaces.7.html,
https://man7.org/linux/man-pages/man7/pid_namespaces.7.html. They need no privileges on most
systems; where they are missing (macOS, most Docker containers, hardened kernels) ``probe`` says so.
"""

import contextlib
import ctypes
import os
import signal
import sys
import tempfile
from functools import cache
from pathlib import Path

from localaws.processes import limits

OPT = Path("/opt")
OPT_ML = "/opt/ml"

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
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


def enter_process_namespace() -> None:
    """Go on in a child that sees and can signal nothing but what it starts; after the mount.

    Three processes come of this one, in one group. The child whose id is 1 collects orphans, and
    takes everything with it when it ends. Its child goes on. This one waits, and ends as that does.
    """
    _checked(_libc.unshare(CLONE_NEWPID), "unshare")
    reader, writer = os.pipe()
    first = os.fork()
    if first:
        os.close(writer)
        _wait_for_group_signals()
        os.closerange(0, reader)
        with os.fdopen(reader, "rb") as answer:
            said = answer.read()
        os.waitpid(first, 0)
        _end_as(int(said) if said else signal.SIGKILL)
    os.close(reader)
    end_with_parent()
    _mount("proc", "/proc", 0, "proc")
    limits.limit_tasks()
    child = os.fork()
    if child:
        _wait_for_group_signals()
        os.closerange(0, writer)
        ended, status = os.wait()
        while ended != child:
            ended, status = os.wait()
        os.write(writer, str(status).encode())
        os._exit(0)
    os.close(writer)


def _wait_for_group_signals() -> None:
    """Leave the signals to the group, SIGKILL apart, to the program."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1,
                   signal.SIGUSR2):  # fmt: skip
        signal.signal(number, signal.SIG_IGN)


def _end_as(status: int) -> None:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with contextlib.suppress(OSError):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


@cache
def has_process_namespaces() -> bool:
    """Whether ``enter_process_namespace`` works here."""
    child = os.fork()
    if child == 0:
        with tempfile.TemporaryDirectory() as directory, contextlib.suppress(OSError):
            mount_as_opt_ml(directory)
            _checked(_libc.unshare(CLONE_NEWPID), "unshare")
            inner = os.fork()
            if inner == 0:
                code = 1
                with contextlib.suppress(OSError):
                    _mount("proc", "/proc", 0, "proc")
                    code = 0
                os._exit(code)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]) & 0xFF)
        os._exit(1)
    return os.waitpid(child, 0)[1] == 0


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
