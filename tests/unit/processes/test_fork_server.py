"""Processes: how they start, what they see, and that none is left."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localaws.processes import isolation
from localaws.processes.client import Process, Processes
from localaws.processes.launch import Launch
from tests.unit.hosting.containers import wait_until

PYTHON = sys.executable
ENVIRONMENT = {"PATH": os.environ["PATH"], "OWN": "variable"}


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    processes = Processes()
    yield processes
    processes.close()


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    def write(source: str) -> str:
        (tmp_path / "script.py").write_text(textwrap.dedent(source))
        return str(tmp_path / "script.py")

    return write


def start(processes: Processes, launch: Launch) -> tuple[Process, int]:
    """The process, and the descriptor that its output can be read from."""
    reader, writer = os.pipe()
    nothing = os.open(os.devnull, os.O_RDONLY)
    try:
        return processes.starter.launch(launch, [nothing, writer, writer]), reader
    finally:
        os.close(writer)
        os.close(nothing)


def output(processes: Processes, launch: Launch) -> tuple[int | None, str]:
    """How it ended, and all that it printed."""
    process, reader = start(processes, launch)
    with os.fdopen(reader) as stream:
        text = stream.read()
    return process.wait(30), text


def is_alive(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
class TestPython:
    def test_runs_a_script_as_the_interpreter_does(
        self, processes: Processes, script: Callable[[str], str], tmp_path: Path, warm: bool
    ) -> None:
        path = script("""
            import os, sys
            print(__name__, sys.argv[1:], sys.path[0], os.getcwd(), os.environ["OWN"])
            print(sys.modules["__main__"].__file__ == __file__, "localaws" in sys.modules)
            sys.exit(3)
            """)
        launch = Launch([path, "--a", "b"], ENVIRONMENT, "/", PYTHON, warm=warm)
        expected = f"__main__ ['--a', 'b'] {tmp_path} / variable\nTrue False\n"
        assert output(processes, launch) == (3, expected)

    def test_shows_a_traceback_of_the_script_alone(
        self, processes: Processes, script: Callable[[str], str], warm: bool
    ) -> None:
        launch = Launch([script("1/0\n")], ENVIRONMENT, "/", PYTHON, warm=warm)
        code, text = output(processes, launch)
        assert code == 1
        assert text.startswith("Traceback (most recent call last):\n  File")
        assert text.count('File "') == 1
        assert text.endswith("ZeroDivisionError: division by zero\n")

    def test_runs_what_was_left_for_the_end(
        self, processes: Processes, script: Callable[[str], str], warm: bool
    ) -> None:
        path = script("""
            import atexit, threading, time
            atexit.register(print, "second")
            threading.Thread(target=lambda: (time.sleep(0.05), print("first"))).start()
            """)
        launch = Launch([path], ENVIRONMENT, "/", PYTHON, warm=warm)
        assert output(processes, launch) == (0, "first\nsecond\n")

    def test_draws_other_random_numbers_each_time(
        self, processes: Processes, script: Callable[[str], str], warm: bool
    ) -> None:
        path = script("import random, numpy; print(random.random(), numpy.random.random())")
        launch = Launch([path], ENVIRONMENT, "/", PYTHON, warm=warm)
        assert output(processes, launch) != output(processes, launch)

    def test_sees_its_folder_as_opt_ml_and_nobody_else_does(
        self, processes: Processes, script: Callable[[str], str], tmp_path: Path, warm: bool
    ) -> None:
        if processes.hint:
            pytest.skip(f"this system shows no /opt/ml: {processes.hint}")
        path = script("""
            import os
            open("/opt/ml/written", "w").write("kept")
            print(sorted(set(os.listdir("/opt")) - {"ml"}))
            """)
        (tmp_path / "own").mkdir()
        launch = Launch([path], ENVIRONMENT, "/", PYTHON, warm=warm, opt_ml=str(tmp_path / "own"))
        others = sorted({entry.name for entry in Path("/opt").iterdir()} - {"ml"})
        assert output(processes, launch) == (0, f"{others}\n")
        assert (tmp_path / "own" / "written").read_text() == "kept"
        assert not Path("/opt/ml/written").exists()


def test_a_command_that_is_not_there_is_named(processes: Processes) -> None:
    code, text = output(processes, Launch(["no-such-program"], ENVIRONMENT, "/"))
    assert (code, text) == (1, "no-such-program: No such file or directory\n")


def test_a_signal_that_ended_it_is_told(processes: Processes) -> None:
    code, _ = output(processes, Launch(["sh", "-c", "kill -SEGV $$"], ENVIRONMENT, "/"))
    assert code == -signal.SIGSEGV


def test_what_outlives_a_process_in_a_session_of_its_own_is_ended(
    processes: Processes, script: Callable[[str], str], tmp_path: Path
) -> None:
    if processes.hint:
        pytest.skip(f"this system has no namespaces to tell them apart by: {processes.hint}")
    seconds = str(600 + os.getpid() / 1_000_000)  # which tells it from all others
    path = script(f"""
        import subprocess
        options = {{"start_new_session": True, "stdout": subprocess.DEVNULL}}
        subprocess.Popen(["sleep", "{seconds}"], **options)
        """)
    launch = Launch([path], ENVIRONMENT, "/", PYTHON, warm=True, opt_ml=str(tmp_path))
    output(processes, launch)
    wait_until(lambda: not running_with(seconds))


def running_with(argument: str) -> list[str]:
    """The processes of the machine that have this argument."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if argument.encode() in path.read_bytes().split(b"\0"):
                found.append(path.parent.name)
    return found


@pytest.mark.parametrize("warm", [True, False])
def test_a_container_can_signal_nothing_but_what_it_started(
    processes: Processes, script: Callable[[str], str], tmp_path: Path, *, warm: bool
) -> None:
    if not isolation.has_process_namespaces():
        pytest.skip("this system has no namespaces of process ids")
    path = script(f"""
        import os, signal
        try:
            os.kill({os.getpid()}, 0)
        except ProcessLookupError:
            print("nobody there", os.listdir("/proc").count("1"), flush=True)
        os.kill(os.getpid(), signal.SIGABRT)
        """)
    launch = Launch([path], ENVIRONMENT, "/", PYTHON, warm=warm, opt_ml=str(tmp_path))
    code, text = output(processes, launch)
    assert (code, text) == (-signal.SIGABRT, "nobody there 1\n")


GREEDY = {
    "BlockingIOError": """
        import os, time
        for _ in range(2 * 512):
            if os.fork() == 0:
                time.sleep(600)
        """,
    "MemoryError": """
        import os
        bytearray(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        """,
    "File too large": """
        import os, shutil
        with open("/opt/ml/large", "wb") as file:
            os.truncate(file.fileno(), shutil.disk_usage("/opt/ml").free)
        """,
}


@pytest.mark.parametrize("error", GREEDY)
def test_a_container_is_held_to_limits(
    processes: Processes, script: Callable[[str], str], tmp_path: Path, error: str
) -> None:
    if processes.hint or not isolation.has_process_namespaces():
        pytest.skip("this system has no namespaces to count in")
    path = script(GREEDY[error])
    launch = Launch([path], ENVIRONMENT, "/", PYTHON, opt_ml=str(tmp_path))
    code, text = output(processes, launch)
    assert code == 1
    assert error in text.splitlines()[-1]


def test_a_container_is_asked_to_end_before_it_is_killed(
    processes: Processes, script: Callable[[str], str], tmp_path: Path
) -> None:
    path = script("""
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
        print("ready", flush=True)
        time.sleep(600)
        """)
    launch = Launch([path], ENVIRONMENT, "/", PYTHON, warm=True, opt_ml=str(tmp_path))
    process, reader = start(processes, launch)
    assert os.read(reader, 6) == b"ready\n"
    process.terminate()
    assert process.wait(10) == 5
    os.close(reader)


def test_nothing_is_left_when_we_are_killed(tmp_path: Path) -> None:
    source = f"""
        import os, time
        from localaws.processes.client import Processes
        from localaws.processes.launch import Launch
        starter = Processes().starter
        process = starter.launch(Launch(["sleep", "600"], {ENVIRONMENT!r}, "/"), [0, 1, 2])
        print(process.id, flush=True)
        time.sleep(600)
        """
    started = subprocess.Popen(
        [PYTHON, "-c", textwrap.dedent(source)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    process = int(started.stdout.readline())
    assert is_alive(process)
    started.kill()
    started.wait()
    started.stdout.close()
    wait_until(lambda: not is_alive(process), seconds=60)
