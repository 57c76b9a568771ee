"""What one container may take of the machine, on which its developer works meanwhile.

The kernel holds it to these: a script that takes more gets the error that it would get of a full
machine. Best effort, as all of isolation: what a kernel does not offer is left out.
"""

import contextlib
import os
import re
import resource
import shutil
import sys
from pathlib import Path

MOST_TASKS = 512
"""Processes and threads of one container, where it has process ids of its own."""
MEMORY_SHARE = 0.75
"""Of the machine's memory, for the data of one process."""
LEFT_ON_DISK_BYTES = 1 << 30
"""That the largest file leaves, of what is free when its container starts."""
LEAST_FILE_BYTES = 64 << 20

_LIMITS_OF_NAMESPACES = (6, 14)
"""The version of Linux since which ``pid_max`` is one of each namespace."""


def limit_sizes(directory: str) -> None:
    """Hold this process, and those that it starts, to sizes; the first to go if memory ends."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    room = shutil.disk_usage(directory).free - LEFT_ON_DISK_BYTES
    _lower(resource.RLIMIT_DATA, int(MEMORY_SHARE * memory))
    _lower(resource.RLIMIT_FSIZE, max(room, LEAST_FILE_BYTES))
    _lower(resource.RLIMIT_CORE, 0)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def limit_tasks(most: int = MOST_TASKS) -> None:
    """Hold the process id namespace of this process, its first one, to a number of tasks.

    Root is subject to no limit of its own, other users to one in their user namespace.
    """
    if os.getuid() != 0:
        _lower(resource.RLIMIT_NPROC, most)
    elif _linux_version() >= _LIMITS_OF_NAMESPACES:  # before, it would be that of the machine
        with contextlib.suppress(OSError):
            Path("/proc/sys/kernel/pid_max").write_text(str(most))


def _lower(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with contextlib.suppress(OSError, ValueError):  # macOS has some in name only
        resource.setrlimit(kind, (limit, limit))


def _linux_version() -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", os.uname().release) if sys.platform == "linux" else None
    return (int(found[1]), int(found[2])) if found else (0, 0)
