"""Start, stop and status of the one server that a state folder has."""

import fcntl
import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from localaws.files import write_atomically
from localaws.ministack.embedding import configure
from localaws.profile import (
    BUNDLE,
    endpoint_url,
    read_proxy_port,
    write_profile,
    write_proxy_port,
    write_sdk_config,
)
from localaws.state import DEFAULT_PORT, HOST, State, StateError, is_state, open_state

START_TIMEOUT = 60.0
STOP_TIMEOUT = 30.0
BACKLOG = 2048
"""Clients that wait to be let in, as uvicorn has it."""
LOCK_TIMEOUT = 0.5
GUARDIAN_SECONDS = 1.0
"""Between two looks at whether it still runs."""


class LifecycleError(Exception):
    """A start or stop that cannot be; the text says why."""


@dataclass(frozen=True)
class Running:
    """A running server."""

    process_id: int
    port: int

    @property
    def endpoint_url(self) -> str:
        """Where clients reach it."""
        return endpoint_url(self.port)


def find_running(directory: Path) -> Running | None:
    """The server that uses ``directory``, or None.

    The lock of the folder decides, which the kernel drops however the process ends, so a file left
    by a killed server or a process id used again deceives nobody.
    """
    if not (directory / "lock").exists():
        return None
    with (directory / "lock").open("rb") as lock:
        if _try_lock(lock):
            return None
    try:
        return Running(**json.loads((directory / "server.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None  # It holds the lock and has not said yet where it listens.


def start(directory: Path, port: int | None, guardian: int | None = None) -> Running:
    """Start a server in the background; returns when it answers.

    When the process ``guardian`` has ended, however it did, the server ends and its folder goes.

    Raises
    ------
    LifecycleError
        When one runs, the port is taken or the server does not come up.
    """
    state = open_state(directory)
    _refuse_second(state.directory)
    if port is not None:
        _bind(port).close()
    process = _spawn(state, port, guardian)
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise LifecycleError(_failure(state))
        running = find_running(state.directory)
        if running is not None and _answers(running):
            return running
        time.sleep(0.02)
    process.terminate()
    raise LifecycleError(
        f"localaws did not answer within {START_TIMEOUT:.0f} s; see {state.log_file}"
    )


def run_in_foreground(directory: Path, port: int | None, guardian: int | None = None) -> None:
    """Serve in this process until SIGTERM or Ctrl-C, or until ``guardian`` has ended."""
    state = open_state(directory)
    if guardian is None:
        _serve(state, port)
        return
    threading.Thread(target=_end_with, args=(guardian,), daemon=True).start()
    try:
        _serve(state, port)
    finally:
        if not _is_alive(guardian):
            shutil.rmtree(state.directory)


def _serve(state: State, port: int | None) -> None:
    with _lock(state.directory), _bind(port) as listener, _bind_proxy(state) as proxy_listener:
        running = Running(os.getpid(), listener.getsockname()[1])
        write_profile(state, running.port)
        write_sdk_config(state)
        write_proxy_port(state, proxy_listener.getsockname()[1])
        write_atomically(state.directory / "server.json", json.dumps(asdict(running)).encode())
        bundle = state.directory / BUNDLE
        if not bundle.exists() or not bundle.stat().st_size:
            _make_authority(state)
        configure(state, running.port)
        gc.disable()  # What a start makes stays, so collections find nothing; they begin after it.
        print(f"localaws serves at {running.endpoint_url}; Ctrl-C ends it", flush=True)
        from localaws.server import serve  # MiniStack reads its settings when it is imported.

        serve(state, listener, proxy_listener)


def _end_with(guardian: int) -> None:
    while _is_alive(guardian):
        time.sleep(GUARDIAN_SECONDS)
    os.kill(os.getpid(), signal.SIGINT)  # after SIGTERM, uvicorn lets nothing follow


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's is alive as well
    return True


def stop(directory: Path) -> bool:
    """Stop the server of ``directory`` and wait for its end; False when none runs.

    Raises
    ------
    LifecycleError
    """
    running = find_running(directory)
    if running is None:
        return False
    os.kill(running.process_id, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT
    while time.monotonic() < deadline:
        if find_running(directory) is None:
            return True
        time.sleep(0.02)
    raise LifecycleError(
        f"process {running.process_id} did not end within {STOP_TIMEOUT:.0f} s of SIGTERM"
    )


def reset(directory: Path) -> bool:
    """Stop the server and remove its folder; False when there is none.

    Raises
    ------
    StateError
        For a folder that is not localaws's.
    """
    if not directory.exists():
        return False
    if not is_state(directory):
        raise StateError(f"{directory} is no state folder of localaws; nothing was removed")
    stop(directory)
    shutil.rmtree(directory)
    return True


def _refuse_second(directory: Path) -> None:
    running = find_running(directory)
    if running is not None:
        raise LifecycleError(
            f"localaws runs already: process {running.process_id} at {running.endpoint_url}"
        )


def _spawn(state: State, port: int | None, guardian: int | None) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", "localaws", "start", "--foreground"]
    arguments += ["--state-dir", str(state.directory)]
    if port is not None:
        arguments += ["--port", str(port)]
    if guardian is not None:
        arguments += ["--while", str(guardian)]
    with state.log_file.open("wb") as log:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=state.directory,
        )


def _failure(state: State) -> str:
    lines = state.log_file.read_text(errors="replace").strip().splitlines()
    reason = lines[-1] if lines else "it wrote no reason"
    return reason.removeprefix("localaws: ")


def _answers(running: Running) -> bool:
    url = f"{running.endpoint_url}/_localaws/health"
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _bind(port: int | None) -> socket.socket:
    """A socket bound to ``port``; without one to the usual port, or any free one if it is taken."""
    if port is not None:
        return _bind_exactly(port)
    try:
        return _bind_exactly(DEFAULT_PORT)
    except LifecycleError:
        return _bind_exactly(0)


def _make_authority(state: State) -> None:
    from localaws.proxy.certificates import Authority  # It takes a moment to import.

    Authority.open(state.directory)


def _bind_proxy(state: State) -> socket.socket:
    """A socket on the port of last time, so that shells which know it keep working, or any."""
    try:
        return _bind_exactly(read_proxy_port(state) or 0)
    except LifecycleError:
        return _bind_exactly(0)


def _bind_exactly(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        # A port is one's own from here on: two sockets that reuse an address may share one that
        # neither listens on yet, and each then gets some of the other's clients.
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise LifecycleError(
            f"port {port} on {HOST} cannot be used: {error.strerror};"
            " choose another with --port, or leave it out to take a free one"
        ) from error
    return listener


@contextmanager
def _lock(directory: Path) -> Iterator[None]:
    with (directory / "lock").open("wb") as lock:
        deadline = time.monotonic() + LOCK_TIMEOUT
        while not _try_lock(lock):
            # Whoever asks whether a server runs holds the lock for a moment.
            if time.monotonic() > deadline:
                _refuse_second(directory)
                raise LifecycleError(f"another localaws is starting in {directory}")
            time.sleep(0.01)
        yield


def _try_lock(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
