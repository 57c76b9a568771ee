"""A process to start, and how a forked interpreter becomes it."""

import atexit
import importlib
import os
import random
import runpy
import signal
import site
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from localaws.processes import isolation, limits

MAXIMUM_DESCRIPTOR = 4096
OURS = ("fleet", "iam_policy", "localaws", "training")
"""Packages that a user's own modules may be named like: no user code sees them."""


@dataclass(frozen=True)
class Launch:
    """What to run.

    Attributes
    ----------
    arguments
        Those of the Python interpreter (``-m module …`` or ``script.py …``) where ``python`` is
        set, otherwise a whole command.
    environment
        All variables that it gets.
    directory
        Where it runs.
    python
        The interpreter, as ``sys.executable`` will say.
    warm
        Whether the fork goes on as that interpreter, with the large packages imported already,
        instead of starting it.
    own
        Whether it is code of localaws itself: ``arguments`` are a module, whose ``main`` is called
        in the fork, and what it is called with.
    opt_ml
        The folder that it sees at /opt/ml, if any.
    niceness
        How far below localaws in priority.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: str
    python: str = ""
    warm: bool = False
    own: bool = False
    opt_ml: str = ""
    niceness: int = 0

    @property
    def command(self) -> list[str]:
        """The whole command."""
        return [self.python, *self.arguments] if self.python else list(self.arguments)

    def to_json(self) -> dict[str, Any]:
        """What ``Launch(**…)`` reads."""
        return asdict(self)


def become(launch: Launch, descriptors: Sequence[int], *, alone: bool) -> None:
    """Turn this forked process into what is to run; never returns.

    ``descriptors`` become 0, 1, 2 and so on; all others are closed. ``alone`` says whether what has
    an /opt/ml of its own gets process ids of its own, too.
    """
    code = 1
    try:
        _take(descriptors)
        _reset_signals()
        isolation.end_with_parent()
        os.setpgid(0, 0)
        os.nice(launch.niceness)
        limits.limit_sizes(launch.opt_ml or launch.directory)
        if launch.opt_ml:
            isolation.mount_as_opt_ml(launch.opt_ml)
            if alone:
                isolation.enter_process_namespace()
        os.chdir(launch.directory)
        os.environ.clear()
        os.environ.update(launch.environment)
        if launch.warm or launch.own:
            _run_python(launch)
        else:
            _replace(launch)
        code = 0
    except SystemExit as end:
        code = _exit_code(end)
    except BaseException as error:
        # This module's frames are none of the program's.
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_shown(frame)]
        shown = traceback.TracebackException.from_exception(error)
        shown.stack = traceback.StackSummary.from_list(frames)
        print("".join(shown.format()), end="", file=sys.stderr)
    finally:
        _end(code)


def _replace(launch: Launch) -> None:
    command = launch.command
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, dict(launch.environment))  # noqa: S606
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


def _run_python(launch: Launch) -> None:
    """What ``python`` does with these arguments, in an interpreter that has imported already."""
    _renew_interpreter(launch)
    name, *arguments = launch.arguments
    if launch.own:
        sys.exit(importlib.import_module(name).main(*arguments))
    if name == "-m":
        name, *arguments = arguments
        sys.argv = [name, *arguments]
        runpy.run_module(name, run_name="__main__", alter_sys=True)
        return
    path = Path(name).absolute()
    sys.argv = [name, *arguments]
    sys.path[0] = str(path.parent)
    main = ModuleType("__main__")
    main.__dict__.update(__file__=str(path), __builtins__=__builtins__)
    sys.modules["__main__"] = main
    exec(compile(path.read_bytes(), str(path), "exec"), main.__dict__)  # noqa: S102


def _renew_interpreter(launch: Launch) -> None:
    """Leave nothing of the process that this one was forked from but the imported packages."""
    time.tzset()
    random.seed()
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, write_through=True)  # type: ignore[union-attr]
    if launch.own:
        return
    for name in list(sys.modules):
        if name.partition(".")[0] in OURS:
            del sys.modules[name]
    standard = [path for path in sys.path[1:] if path.startswith(sys.base_prefix)]
    own = filter(None, launch.environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = [launch.directory, *own, *(path for path in standard if "-packages" not in path)]
    sys.executable = launch.python
    sys.prefix = sys.exec_prefix = str(Path(launch.python).parents[1])
    site.addsitedir(site_packages(sys.prefix))


def site_packages(prefix: str) -> str:
    """The folder of packages of a virtual environment for this version of Python."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return str(Path(prefix, "lib", version, "site-packages"))


def _take(descriptors: Sequence[int]) -> None:
    """Make the descriptors 0, 1, 2 and so on, and close every other one."""
    count = len(descriptors)
    aside = [os.dup(descriptor) for descriptor in descriptors]
    while min(aside) < count:  # A place that is still needed must not be written over.
        aside = [os.dup(descriptor) for descriptor in aside]
    for place, descriptor in enumerate(aside):
        os.dup2(descriptor, place, inheritable=True)
    os.closerange(count, MAXIMUM_DESCRIPTOR)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    # As every Python has it: writing to a closed connection is an error there, not the end. A
    # program that replaces this one finds the default again.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _is_shown(frame: traceback.FrameSummary) -> bool:
    return frame.filename != __file__ and "runpy" not in frame.filename.rpartition("/")[2]


def _exit_code(end: SystemExit) -> int:
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code & 0xFF
    print(end.code, file=sys.stderr)
    return 1


def _end(code: int) -> None:
    """As an interpreter ends, without the time that it takes to free everything."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
