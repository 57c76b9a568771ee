"""Processes of jobs."""

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from localaws.containers.contract import Exit, Program
from localaws.jobs.processes import (
    MAXIMUM_LINE,
    NICENESS,
    Cores,
    JobAbortedError,
    RunningProgram,
    StopSignal,
)
from localaws.jobs.supervision import Ending, Supervisor

HOUR = 3600.0


def python(source: str, directory: Path, **environment: str) -> Program:
    return Program((sys.executable, "-c", source), environment, directory)


def run(program: Program) -> tuple[Exit, list[str]]:
    lines: list[str] = []
    running = RunningProgram(program, lines.append)
    ended = running.wait(60)
    assert ended is not None
    return ended, lines


def supervise(
    programs: list[RunningProgram], stop: StopSignal | None = None, seconds: float = HOUR
) -> Ending:
    try:
        return Supervisor(programs, stop or StopSignal(), seconds, lambda: None).wait()
    finally:
        for program in programs:
            program.kill()


class TestProgram:
    def test_has_its_output_and_errors_in_its_log(self, tmp_path: Path) -> None:
        source = "import sys; print('out'); print('error', file=sys.stderr); sys.exit(3)"
        ended, lines = run(python(source, tmp_path))
        assert lines == ["out", "error"]
        assert ended == Exit(3, "out\nerror")

    def test_that_a_signal_ends_exits_as_in_a_shell(self, tmp_path: Path) -> None:
        ended, _ = run(python("import os; os.kill(os.getpid(), 9)", tmp_path))
        assert ended.code == 137

    def test_runs_in_its_folder_with_its_variables(self, tmp_path: Path) -> None:
        _, lines = run(
            python("import os; print(os.getcwd(), os.environ['OWN'])", tmp_path, OWN="x")
        )
        assert lines == [f"{tmp_path} x"]

    def test_that_prints_an_endless_line_has_it_cut_into_events(self, tmp_path: Path) -> None:
        _, lines = run(python(f"print('x' * {MAXIMUM_LINE + 1})", tmp_path))
        assert [len(line) for line in lines] == [MAXIMUM_LINE, 1]

    def test_gets_none_of_our_secrets(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        _, lines = run(
            python("import os; print(os.environ.get('AWS_SECRET_ACCESS_KEY'))", tmp_path)
        )
        assert lines == ["None"]

    def test_is_nicer_than_we_are(self, tmp_path: Path) -> None:
        _, lines = run(python("import os, time; time.sleep(0.3); print(os.nice(0))", tmp_path))
        assert int(lines[0]) > os.nice(0)

    @pytest.mark.skipif(
        not Path("/proc/self/autogroup").exists(), reason="this kernel has no autogroups"
    )
    def test_is_nicer_than_we_are_also_as_a_session(self, tmp_path: Path) -> None:
        show = "import time; time.sleep(0.3); print(open('/proc/self/autogroup').read())"
        _, lines = run(python(show, tmp_path))
        assert lines[0].endswith(f"nice {NICENESS}")

    def test_that_prints_what_is_no_utf_8_is_still_read(self, tmp_path: Path) -> None:
        _, lines = run(python("import sys; sys.stdout.buffer.write(b'a\\xff\\n')", tmp_path))
        assert lines == ["a\ufffd"]


class TestSupervisor:
    def test_waits_for_all(self, tmp_path: Path) -> None:
        programs = [RunningProgram(python("pass", tmp_path), print) for _ in range(2)]
        assert supervise(programs) == Ending("Completed")

    def test_tells_which_one_failed(self, tmp_path: Path) -> None:
        sources = ["import time; time.sleep(600)", "raise SystemExit(4)"]
        programs = [RunningProgram(python(source, tmp_path), print) for source in sources]
        ending = supervise(programs)
        assert ending.failure is not None
        assert (ending.failure.index, ending.failure.exit.code) == (1, 4)

    def test_ends_programs_when_it_is_stopped(self, tmp_path: Path) -> None:
        stop = StopSignal()
        programs = [RunningProgram(python("import time; time.sleep(600)", tmp_path), print)]
        stop.stop()
        assert supervise(programs, stop) == Ending("Stopped")

    def test_ends_programs_after_their_time(self, tmp_path: Path) -> None:
        programs = [RunningProgram(python("import time; time.sleep(600)", tmp_path), print)]
        assert supervise(programs, seconds=0) == Ending("MaxRuntimeExceeded")

    def test_gives_up_at_once_when_the_service_ends(self, tmp_path: Path) -> None:
        deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
        programs = [RunningProgram(python(deaf, tmp_path), print)]
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
