"""Processes of jobs."""

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from localaws.containers.contract import Exit, Program
from localaws.containers.process_host import ProcessHost
from localaws.jobs.processes import (
    MAXIMUM_LINE,
    Cores,
    JobAbortedError,
    RunningProgram,
    StopSignal,
)
from localaws.jobs.supervision import Ending, Supervisor
from localaws.processes.launch import Launch

HOUR = 3600.0


def python(source: str, directory: Path, **environment: str) -> Program:
    return Program(Launch((sys.executable, "-uc", source), environment, str(directory)))


Start = Callable[[Program], RunningProgram]
Run = Callable[[Program], tuple[Exit, list[str]]]


@pytest.fixture
def start(process_host: ProcessHost) -> Start:
    return lambda program: RunningProgram(program, print, process_host.processes.starter)


@pytest.fixture
def run(process_host: ProcessHost) -> Run:
    def run(program: Program) -> tuple[Exit, list[str]]:
        lines: list[str] = []
        ended = RunningProgram(program, lines.append, process_host.processes.starter).wait(60)
        assert ended is not None
        return ended, lines

    return run


def supervise(
    programs: list[RunningProgram], stop: StopSignal | None = None, seconds: float = HOUR
) -> Ending:
    try:
        return Supervisor(programs, stop or StopSignal(), seconds, lambda: None).wait()
    finally:
        for program in programs:
            program.kill()


class TestProgram:
    def test_has_its_output_and_errors_in_its_log(self, run: Run, tmp_path: Path) -> None:
        source = "import sys; print('out'); print('error', file=sys.stderr); sys.exit(3)"
        ended, lines = run(python(source, tmp_path))
        assert lines == ["out", "error"]
        assert ended == Exit(3, "out\nerror")

    def test_that_a_signal_ends_exits_as_in_a_shell(self, run: Run, tmp_path: Path) -> None:
        ended, _ = run(python("import os; os.kill(os.getpid(), 9)", tmp_path))
        assert ended.code == 137

    def test_runs_in_its_folder_with_its_variables(self, run: Run, tmp_path: Path) -> None:
        _, lines = run(
            python("import os; print(os.getcwd(), os.environ['OWN'])", tmp_path, OWN="x")
        )
        assert lines == [f"{tmp_path} x"]

    def test_that_prints_an_endless_line_has_it_cut_into_events(
        self, run: Run, tmp_path: Path
    ) -> None:
        _, lines = run(python(f"print('x' * {MAXIMUM_LINE + 1})", tmp_path))
        assert [len(line) for line in lines] == [MAXIMUM_LINE, 1]

    def test_gets_none_of_our_secrets(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        _, lines = run(
            python("import os; print(os.environ.get('AWS_SECRET_ACCESS_KEY'))", tmp_path)
        )
        assert lines == ["None"]

    def test_is_nicer_than_we_are(self, run: Run, tmp_path: Path) -> None:
        _, lines = run(python("import os; print(os.nice(0))", tmp_path))
        assert int(lines[0]) > os.nice(0)

    def test_is_in_our_session(self, run: Run, tmp_path: Path) -> None:
        """Linux shares cores between sessions first: a job is not below other programs."""
        _, lines = run(python("import os; print(os.getsid(0))", tmp_path))
        assert int(lines[0]) == os.getsid(0)

    def test_that_prints_what_is_no_utf_8_is_still_read(self, run: Run, tmp_path: Path) -> None:
        _, lines = run(python("import sys; sys.stdout.buffer.write(b'a\\xff\\n')", tmp_path))
        assert lines == ["a\ufffd"]


class TestSupervisor:
    def test_waits_for_all(self, start: Start, tmp_path: Path) -> None:
        programs = [start(python("pass", tmp_path)) for _ in range(2)]
        assert supervise(programs) == Ending("Completed")

    def test_tells_which_one_failed(self, start: Start, tmp_path: Path) -> None:
        sources = ["import time; time.sleep(600)", "raise SystemExit(4)"]
        programs = [start(python(source, tmp_path)) for source in sources]
        ending = supervise(programs)
        assert ending.failure is not None
        assert (ending.failure.index, ending.failure.exit.code) == (1, 4)

    def test_ends_programs_when_it_is_stopped(self, start: Start, tmp_path: Path) -> None:
        stop = StopSignal()
        programs = [start(python("import time; time.sleep(600)", tmp_path))]
        stop.stop()
        assert supervise(programs, stop) == Ending("Stopped")

    def test_ends_programs_after_their_time(self, start: Start, tmp_path: Path) -> None:
        programs = [start(python("import time; time.sleep(600)", tmp_path))]
        assert supervise(programs, seconds=0) == Ending("MaxRuntimeExceeded")

    def test_gives_up_at_once_when_the_service_ends(self, start: Start, tmp_path: Path) -> None:
        deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
        programs = [start(python(deaf, tmp_path))]
        stop = StopSignal()
        stop.abort()
        with pytest.raises(JobAbortedError):
            supervise(programs, stop)


class TestCores:
    def test_no_more_are_taken_than_there_are(self) -> None:
        cores = Cores(2)
        running, most = 0, 0
        lock = threading.Lock()

        def work() -> None:
            nonlocal running, most
            with cores.taken(1, StopSignal()):
                with lock:
                    running += 1
                    most = max(most, running)
                time.sleep(0.02)
                with lock:
                    running -= 1

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most == 2

    def test_a_job_of_more_hosts_than_cores_gets_them_all(self) -> None:
        with Cores(2).taken(5, StopSignal()) as taken:
            assert taken

    def test_a_job_that_is_stopped_while_it_waits_gets_none(self) -> None:
        cores, stop = Cores(1), StopSignal()
        stop.stop()
        with cores.taken(1, StopSignal()), cores.taken(1, stop) as taken:
            assert not taken
