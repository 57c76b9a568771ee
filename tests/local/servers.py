"""localaws for a test, forked from a process that has imported what takes two seconds.

From there on it is the server that ``localaws start`` starts, with a fork server of its own. It
does not end as an interpreter does, which closes databases: where files are the point, or the
command itself, ``localaws.testing`` starts it.
"""

import os
import socket
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from localaws import lifecycle
from localaws.ministack import embedding
from localaws.processes import client, fork_server
from localaws.state import State, open_state
from localaws.testing import LocalAws
from tests.local.processes import PROCESSES


def start_localaws(directory: Path) -> LocalAws:
    """Start a server on a free port with its state in ``directory``."""
    state = open_state(directory)
    (state.directory / "server.json").unlink(missing_ok=True)  # where an earlier one listened
    server = PROCESSES.Process(target=_serve, args=(state, dict(os.environ)), daemon=True)
    server.start()
    # Its socket takes clients before that file says where.
    while (running := lifecycle.find_running(state.directory)) is None:
        assert server.is_alive(), state.log_file.read_text()
        time.sleep(0.02)
    return LocalAws(state, running.endpoint_url)


def _serve(state: State, environment: Mapping[str, str]) -> None:
    """In the new process."""
    os.setsid()
    # Its containers' programs may start processes, which a daemon's may not.
    PROCESSES.current_process().daemon = False
    log = os.open(state.log_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    os.chdir(state.directory)
    os.environ.clear()
    os.environ.update(environment)
    starters = [_fork_server()]
    start_another = client.ProcessStarter.start
    client.ProcessStarter.start = lambda: starters.pop() if starters else start_another()  # type: ignore[method-assign]
    lifecycle.configure = _configure  # type: ignore[attr-defined]
    lifecycle.run_in_foreground(state.directory, port=0)


def _configure(state: State, port: int) -> None:
    """As ``embedding.configure``, for modules that were imported with the settings of nobody."""
    from tests.local.preloaded import NOBODYS, NOBODYS_PORT

    read, ours = embedding.settings(NOBODYS, NOBODYS_PORT), embedding.settings(state, port)
    os.environ.update(ours)
    changes = [(read[name], ours[name]) for name in read if read[name] != ours[name]]
    for name, module in sys.modules.items():
        if not name.startswith("ministack."):
            continue
        for variable, value in list(vars(module).items()):
            if isinstance(value, str):
                for before, after in changes:
                    value = value.replace(before, after)
                setattr(module, variable, value)
    # A thread that this module starts when it is imported is not in a process that is forked.
    reaper = sys.modules["ministack.services.dynamodb"]._ttl_reaper
    threading.Thread(target=reaper, daemon=True).start()


def _fork_server() -> client.ProcessStarter:
    """As ``ProcessStarter.start`` starts it; now, as long as this process has one thread."""
    ours, theirs = socket.socketpair()
    if os.fork():
        theirs.close()
        return client.ProcessStarter(ours)
    try:
        ours.close()
        os.setpgid(0, 0)
        os.chdir(os.sep)
        variables = client._environment()
        os.environ.clear()
        os.environ.update(variables)
        fork_server.main(theirs.detach())
    finally:
        os._exit(0)
