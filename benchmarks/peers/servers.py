"""The peers: what each needs, how it is started, and how a model is loaded and invoked."""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.http_load import post
from benchmarks.peers.multi_model_server_handler import NAMES

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".peers"
ROW = b"1995,3000.5,4,2.5,1.01,2,y,n"
START_SECONDS = 120


class UnavailableError(Exception):
    """A peer that cannot be installed or started here; the text says why."""


@dataclass(frozen=True)
class Peer:
    """A server that people would use instead.

    ``models`` is how many models a run loads: a peer with a process a model gets fewer.
    ``constant`` is the path of a bare answer of the same server.
    """

    name: str
    packages: tuple[str, ...]
    models: int
    ready: str
    constant: str | None = None

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        return ENVIRONMENTS / self.name / "bin" / "python"

    def command(self, folder: Path, models: Path, port: int) -> list[str]:
        """What starts it; may write a configuration into ``folder``."""
        raise NotImplementedError

    def load(self, port: int, number: int) -> bytes | None:
        """The request that loads a model, where one has to be sent."""
        return None

    def invoke(self, port: int, number: int) -> bytes:
        """The request that predicts one house with a model."""
        raise NotImplementedError


class FastApi(Peer):
    """FastAPI with the same scikit-learn pipeline and an LRU."""

    def command(self, folder: Path, models: Path, port: int) -> list[str]:
        return [str(self.python), str(HERE / "fastapi_app.py"), str(models), str(port)]

    def invoke(self, port: int, number: int) -> bytes:
        headers = {"Content-Type": "text/csv", "X-Amzn-SageMaker-Target-Model": f"m{number}"}
        return post(port, "/invocations", headers, ROW)


class MlServer(Peer):
    """MLServer of Seldon, its scikit-learn runtime in the server's own process."""

    def command(self, folder: Path, models: Path, port: int) -> list[str]:
        ports = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
        more = {"host": "127.0.0.1", "parallel_workers": 0, "load_models_at_startup": False}
        (models / "settings.json").write_text(json.dumps({**ports, **more, "debug": False}))
        return [str(self.python.with_name("mlserver")), "start", str(models)]

    def load(self, port: int, number: int) -> bytes | None:
        return post(port, f"/v2/repository/models/m{number}/load", {}, b"")

    def invoke(self, port: int, number: int) -> bytes:
        inputs = [_tensor(n, v) for n, v in zip(NAMES, ROW.decode().split(","), strict=True)]
        body = json.dumps({"parameters": {"content_type": "pd"}, "inputs": inputs}).encode()
        headers = {"Content-Type": "application/json"}
        return post(port, f"/v2/models/m{number}/infer", headers, body)


class MultiModelServer(Peer):
    """multi-model-server of AWS, a process a model."""

    def command(self, folder: Path, models: Path, port: int) -> list[str]:
        if shutil.which("java") is None:
            raise UnavailableError("multi-model-server needs java")
        address = f"http://127.0.0.1:{port}"
        settings = {
            "inference_address": address,
            "management_address": address,
            "model_store": str(models),
            "default_workers_per_model": "1",
            "decode_input_request": "false",
        }
        config = folder / "config.properties"
        config.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        own = str(self.python.with_name("multi-model-server"))
        return [own, "--start", "--foreground", "--mms-config", str(config)]

    def load(self, port: int, number: int) -> bytes | None:
        query = f"model_name=m{number}&url=m{number}&initial_workers=1&synchronous=true"
        return post(port, f"/models?{query}", {}, b"")

    def invoke(self, port: int, number: int) -> bytes:
        return post(port, f"/predictions/m{number}", {"Content-Type": "text/csv"}, ROW)


SCIKIT_LEARN = ("scikit-learn==1.9.0", "pandas==2.3.3", "joblib")
PEERS: tuple[Peer, ...] = (
    MultiModelServer(
        "multi-model-server",
        ("multi-model-server==1.1.11", "setuptools<81", "future", *SCIKIT_LEARN),
        20,
        "/ping",
    ),
    MlServer("mlserver", ("mlserver==1.7.1", "mlserver-sklearn==1.7.1"), 100, "/v2/health/ready"),
    FastApi(
        "fastapi",
        ("fastapi==0.121.0", "uvicorn[standard]", *SCIKIT_LEARN),
        100,
        "/ping",
        "/constant",
    ),
)


@contextmanager
def running(peer: Peer) -> Iterator[int]:
    """The port of a started peer whose models are written but not loaded.

    Raises
    ------
    UnavailableError
    """
    _install(peer)
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = folder / "models"
        writer = [str(peer.python), str(HERE / "notebook_models.py"), peer.name, str(models)]
        _run([*writer, str(peer.models)], f"the models of {peer.name}")
        environment = os.environ | {"OMP_NUM_THREADS": "1", "TMPDIR": name}
        environment["PATH"] = f"{peer.python.parent}:{environment['PATH']}"
        with (folder / "log").open("w+") as log:
            process = subprocess.Popen(
                peer.command(folder, models, port),
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                _wait_until_ready(peer, port, process, folder / "log")
                yield port
            finally:
                _end(process)


def free_port() -> int:
    """A port that nobody listens on; multi-model-server takes none above 32,767."""
    while True:
        port = random.randrange(18_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _install(peer: Peer) -> None:
    installed = ENVIRONMENTS / peer.name / "installed.txt"
    wanted = "\n".join(peer.packages)
    if installed.exists() and installed.read_text() == wanted:
        return
    uv = (sys.executable, "-m", "uv")
    _run([*uv, "venv", "--quiet", "--clear", str(ENVIRONMENTS / peer.name)], peer.name)
    python = str(peer.python)
    _run([*uv, "pip", "install", "--quiet", "--python", python, *peer.packages], peer.name)
    installed.write_text(wanted)


def _run(command: Sequence[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise UnavailableError(f"{what}: {last}")


def _wait_until_ready(peer: Peer, port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{peer.ready}", timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    said = log.read_text(errors="replace").strip().splitlines() or ["nothing"]
    raise UnavailableError(f"{peer.name} did not start: {said[-1]}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the peer and its workers, which are all in one session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(10)


def _tensor(name: str, text: str) -> dict[str, object]:
    if text.isalpha():
        kind: dict[str, object] = {"datatype": "BYTES", "data": [text]}
        return {"name": name, "shape": [1, 1], **kind, "parameters": {"content_type": "str"}}
    return {"name": name, "shape": [1, 1], "datatype": "FP64", "data": [float(text)]}
