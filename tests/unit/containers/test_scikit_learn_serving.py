"""What the scikit-learn container answers, for what a script returns.

The expectations are those of the container's own code: sagemaker_containers/_worker.py and
_transformer.py, sagemaker_sklearn_container/serving.py.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from localaws.containers.contract import (
    ContainerRequest,
    ContainerResponse,
    ContainerSettings,
    ContainerStartError,
    LoadedModel,
    ModelLoadError,
)
from localaws.containers.process_host import ProcessHost
from localaws.containers.scikit_learn import IMAGE
from tests.unit.hosting.containers import wait_until

HTML = "text/html; charset=utf-8"

Serve = Callable[..., LoadedModel]


@pytest.fixture
def serve(tmp_path: Path, process_host: ProcessHost) -> Iterator[Serve]:
    """Loads a model whose code/script.py has the given source, in a process."""
    with ExitStack() as stack:

        def load(
            source: str,
            environment: Mapping[str, str] | None = None,
            log: Callable[[str], None] = lambda line: None,
            name: str = "container",
            timeout_seconds: float = 60.0,
            start_seconds: float = 480.0,
            multi_model: bool = False,
            **neighbours: str,
        ) -> LoadedModel:
            model = tmp_path / name / "model"
            (model / "code").mkdir(parents=True)
            (model / "code" / "script.py").write_text(dedent(source))
            for module, text in neighbours.items():
                (model / "code" / f"{module}.py").write_text(dedent(text))
            settings = ContainerSettings(
                image="registry/sagemaker-scikit-learn:1.9-0-cpu-py3",
                environment={
                    "SAGEMAKER_PROGRAM": "script.py",
                    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                    **(environment or {}),
                },
                directory=tmp_path / name,
                is_multi_model=multi_model,
                log=log,
                host=process_host,
                timeout_seconds=timeout_seconds,
                start_seconds=start_seconds,
            )
            container = IMAGE.container(settings)
            container.start()
            served = container.load(model)
            stack.callback(served.close)
            return served

        yield load


def logged(lines: list[str], text: str) -> str:
    """The first line of a log with a text in it, once it is there."""
    wait_until(lambda: any(text in line for line in lines))
    return next(line for line in lines if text in line)


def ask(
    model: LoadedModel,
    body: str | bytes = "",
    content_type: str = "application/json",
    accept: str = "*/*",
) -> ContainerResponse:
    body = body.encode() if isinstance(body, str) else body
    return model.invoke(ContainerRequest(body, content_type, accept))


class TestContent:
    """What ``transform_fn`` gets."""

    SHOW = """
        def model_fn(model_dir): return None
        def transform_fn(model, content, content_type, accept):
            return f"{type(content).__name__} {content_type} {accept}", "text/plain"
        """

    @pytest.mark.parametrize("content_type", ["application/json", "text/csv"])
    def test_is_text_for_exactly_json_and_csv(self, serve: Serve, content_type: str) -> None:
        answer = ask(serve(self.SHOW), "1,2", content_type)
        assert answer.body.decode().startswith(f"str {content_type}")

    @pytest.mark.parametrize(
        "content_type",
        ["text/csv; charset=utf-8", "text/csv;label_size=0", "TEXT/CSV", "image/png"],
    )
    def test_is_bytes_for_every_other_content_type(self, serve: Serve, content_type: str) -> None:
        answer = ask(serve(self.SHOW), "1,2", content_type)
        assert answer.body.decode().startswith(f"bytes {content_type}")

    def test_without_a_content_type_is_json(self, serve: Serve) -> None:
        assert ask(serve(self.SHOW), "1", "").body.decode().startswith("str application/json")

    @pytest.mark.parametrize("accept", ["", "*/*"])
    def test_without_an_accept_the_default_is_json(self, serve: Serve, accept: str) -> None:
        assert ask(serve(self.SHOW), accept=accept).body.decode().endswith(" application/json")

    def test_the_default_accept_comes_from_the_environment(self, serve: Serve) -> None:
        model = serve(self.SHOW, {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"})
        assert ask(model).body.decode().endswith(" text/csv")
        assert ask(model, accept="image/png").body.decode().endswith(" image/png")

    def test_that_is_no_utf_8_is_replaced_not_refused(self, serve: Serve) -> None:
        assert ask(serve(self.SHOW), b"\xff", "text/csv").status == 200


class TestAnswer:
    """What becomes of a function's result."""

    RETURN = """
        from sagemaker_containers.beta.framework import worker
        def model_fn(model_dir): return None
        def transform_fn(model, content, content_type, accept):
            return {result}
        """

    @pytest.mark.parametrize(
        ("result", "body", "content_type", "status"),
        [
            ("'plain'", b"plain", HTML, 200),
            ("b'plain'", b"plain", HTML, 200),
            ("('1,2', 'text/csv')", b"1,2", "text/csv; charset=utf-8", 200),
            ("('{}', 'application/json')", b"{}", "application/json", 200),
            ("{'b': 1, 'a': [2]}", b'{"a":[2],"b":1}\n', "application/json", 200),
            ("worker.Response('{}')", b"{}", "application/json", 200),
            ("worker.Response('x', mimetype='text/csv')", b"x", "text/csv; charset=utf-8", 200),
            ("worker.Response(b'x', mimetype='image/png')", b"x", "image/png", 200),
            ("worker.Response('no', status=400)", b"no", "application/json", 400),
            ("worker.Response('no', status='422 NO')", b"no", "application/json", 422),
            ("worker.Response(['a', b'b'])", b"ab", "application/json", 200),
        ],
    )
    def test_is_as_the_web_server_has_it(
        self, serve: Serve, result: str, body: bytes, content_type: str, status: int
    ) -> None:
        answer = ask(serve(self.RETURN.format(result=result)))
        assert (answer.body, answer.content_type, answer.status) == (body, content_type, status)

    def test_custom_attributes_are_passed_on(self, serve: Serve) -> None:
        header = "{'X-Amzn-SageMaker-Custom-Attributes': 'trace=1'}"
        answer = ask(serve(self.RETURN.format(result=f"worker.Response('x', headers={header})")))
        assert answer.custom_attributes == "trace=1"

    @pytest.mark.parametrize("result", ["None", "1", "1/0", "object()", "exit(3)"])
    def test_of_a_function_that_fails_is_a_bare_500(self, serve: Serve, result: str) -> None:
        answer = ask(serve(self.RETURN.format(result=result)))
        assert (answer.status, answer.content_type) == (500, HTML)
        assert b"<title>500 Internal Server Error</title>" in answer.body

    def test_the_reason_of_a_500_is_in_the_log_alone(self, serve: Serve) -> None:
        lines: list[str] = []
        answer = ask(serve(self.RETURN.format(result="1/0"), log=lines.append))
        assert b"ZeroDivisionError" not in answer.body
        assert logged(lines, "ZeroDivisionError")

    def test_an_unsupported_format_raised_by_user_code_is_a_500_too(self, serve: Serve) -> None:
        source = """
            from sagemaker_containers.beta.framework import errors
            def model_fn(model_dir): return None
            def input_fn(content, content_type): raise errors.UnsupportedFormatError(content_type)
            """
        assert ask(serve(source)).status == 500


class TestDefaults:
    """A script with a ``model_fn`` alone."""

    DOUBLE = """
        import numpy as np
        class Double:
            def predict(self, data):
                assert data.dtype == np.float32, data.dtype
                return data * 2
        def model_fn(model_dir): return Double()
        """

    @pytest.mark.parametrize(
        ("accept", "body", "content_type"),
        [
            ("application/json", b"[[2.0, 4.0], [6.0, 8.0]]", "application/json"),
            ("text/csv", b"2.0,4.0\n6.0,8.0\n", "text/csv; charset=utf-8"),
        ],
    )
    def test_decode_csv_predict_and_encode(
        self, serve: Serve, accept: str, body: bytes, content_type: str
    ) -> None:
        answer = ask(serve(self.DOUBLE), "1,2\n3,4\n", "text/csv", accept)
        assert (answer.body, answer.content_type) == (body, content_type)

    def test_decode_json(self, serve: Serve) -> None:
        assert json.loads(ask(serve(self.DOUBLE), "[[1.5]]").body) == [[3.0]]

    def test_encode_npy(self, serve: Serve, tmp_path: Path) -> None:
        answer = ask(serve(self.DOUBLE), "[[1.5]]", accept="application/x-npy")
        (tmp_path / "answer.npy").write_bytes(answer.body)
        assert np.load(tmp_path / "answer.npy").tolist() == [[3.0]]

    @pytest.mark.parametrize(
        ("body", "content_type", "accept"),
        [
            ("1,2", "text/csv; charset=utf-8", "*/*"),
            ("a,b", "text/csv", "*/*"),
            ("[", "application/json", "*/*"),
            ("[[1]]", "application/json", "image/png"),
        ],
    )
    def test_what_they_cannot_read_or_write_is_a_500(
        self, serve: Serve, body: str, content_type: str, accept: str
    ) -> None:
        assert ask(serve(self.DOUBLE), body, content_type, accept).status == 500


class TestFunctions:
    def test_are_called_in_turn(self, serve: Serve) -> None:
        source = """
            def model_fn(model_dir): return 10
            def input_fn(content, content_type): return int(content)
            def predict_fn(data, model): return data * model
            def output_fn(prediction, accept): return f"{prediction}", accept
            """
        assert ask(serve(source), "4", "text/csv", "text/x").body == b"40"

    def test_that_are_none_are_the_defaults(self, serve: Serve) -> None:
        source = """
            input_fn = None
            output_fn = None
            def model_fn(model_dir): return 2
            def predict_fn(data, model): return data * model
            """
        assert ask(serve(source), body=b"[1, 2]").body == b"[2.0, 4.0]"

    def test_model_fn_gets_the_folder_of_the_model(self, serve: Serve) -> None:
        source = """
            def model_fn(model_dir): return model_dir
            def transform_fn(model, *_): return model, "text/plain"
            """
        assert ask(serve(source)).body == b"/opt/ml/model"

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            ("x = 1", "Please provide a model_fn implementation"),
            ("import no_such_module", "No module named 'no_such_module'"),
            ("def model_fn(model_dir): raise OSError('no model')", "no model"),
            ("def model_fn(:", "invalid syntax"),
            ("raise SystemExit('bye')", "bye"),
            ("raise KeyboardInterrupt('enough')", "enough"),
            (
                "def model_fn(d): pass\ndef input_fn(): pass\ndef transform_fn(): pass",
                "Cannot use transform_fn implementation with input_fn, predict_fn",
            ),
        ],
    )
    def test_a_script_that_cannot_be_loaded_fails_the_container_with_the_reason(
        self, serve: Serve, source: str, reason: str
    ) -> None:
        lines: list[str] = []
        with pytest.raises(ModelLoadError):
            serve(source, log=lines.append)
        assert logged(lines, reason)

    def test_without_a_program_there_is_nothing_to_run(self, serve: Serve) -> None:
        with pytest.raises(ContainerStartError, match="SAGEMAKER_PROGRAM is not set"):
            serve("", {"SAGEMAKER_PROGRAM": ""})

    def test_a_program_that_is_missing_is_named_with_the_place(self, serve: Serve) -> None:
        with pytest.raises(ContainerStartError, match=r"other\.py is not in /opt/ml/model/code"):
            serve("", {"SAGEMAKER_PROGRAM": "other.py"})

    def test_a_program_may_be_named_as_a_module(self, serve: Serve) -> None:
        source = "def model_fn(d): pass\ndef transform_fn(*_): return 'here', 'text/plain'"
        assert ask(serve(source, {"SAGEMAKER_PROGRAM": "script"})).body == b"here"

    def test_the_default_folder_is_the_images_not_the_models(self, serve: Serve) -> None:
        with pytest.raises(ContainerStartError, match=r"script\.py is not in /opt/ml/code"):
            serve("", {"SAGEMAKER_SUBMIT_DIRECTORY": ""})

    @pytest.mark.parametrize("folder", ["/etc", "/opt/ml/../other", "/opt/mlx", "code"])
    def test_a_folder_that_the_container_does_not_have_is_refused(
        self, serve: Serve, folder: str
    ) -> None:
        with pytest.raises(ContainerStartError, match="must begin with s3:// or be in /opt/ml"):
            serve("", {"SAGEMAKER_SUBMIT_DIRECTORY": folder})

    def test_a_folder_that_the_model_does_not_have_is_named(self, serve: Serve) -> None:
        with pytest.raises(ContainerStartError, match=r"script\.py is not in /opt/ml/model/src"):
            serve("", {"SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/src"})


class TestIsolation:
    SOURCE = """
        import helper
        def model_fn(model_dir): return None
        def transform_fn(*_):
            import late_helper
            return f"{helper.NAME} {late_helper.NAME}", "text/plain"
        """

    def test_two_endpoints_with_different_versions_of_a_script_do_not_meet(
        self, serve: Serve
    ) -> None:
        models = [
            serve(
                self.SOURCE,
                name=version,
                helper=f"NAME = 'helper-{version}'",
                late_helper=f"NAME = 'late-{version}'",
            )
            for version in ("one", "two")
        ]
        for _ in range(2):
            answers = [ask(model).body for model in models]
            assert answers == [b"helper-one late-one", b"helper-two late-two"]

    def test_they_do_not_meet_when_they_are_called_at_once(self, serve: Serve) -> None:
        models = {
            version: serve(
                self.SOURCE,
                name=version,
                helper=f"NAME = {version!r}",
                late_helper=f"NAME = {version!r}",
            )
            for version in ("one", "two", "three")
        }
        versions = list(models) * 10
        with ThreadPoolExecutor(6) as threads:
            answers = threads.map(lambda version: ask(models[version]).body.decode(), versions)
        assert list(answers) == [f"{version} {version}" for version in versions]

    def test_a_pickle_finds_the_module_of_its_own_script(self, serve: Serve) -> None:
        source = """
            import pickle
            def model_fn(model_dir): return pickle.loads(b"cshapes\\nSquare\\n.")
            def transform_fn(model, *_): return model.SIDES, "text/plain"
            """
        first = serve(source, name="one", shapes="class Square: SIDES = '4'")
        second = serve(source, name="two", shapes="class Square: SIDES = 'four'")
        assert [ask(first).body, ask(second).body] == [b"4", b"four"]

    def test_each_has_the_variables_of_its_container_whenever_it_asks(self, serve: Serve) -> None:
        source = """
            import os
            from os import environ
            AT_IMPORT = os.environ["CITY"]
            def model_fn(model_dir):
                os.environ["SET_BY"] = AT_IMPORT
                return os.getenv("CITY")
            def transform_fn(model, *_):
                return " ".join([AT_IMPORT, model, environ["CITY"], os.environ["SET_BY"]]), "a/b"
            """
        models = [serve(source, {"CITY": city}, name=city) for city in ("Boston", "Chicago")]
        assert [ask(model).body.decode().split() for model in models] == [
            ["Boston"] * 4,
            ["Chicago"] * 4,
        ]
        assert "CITY" not in os.environ

    def test_none_has_the_secrets_of_this_machine(
        self, serve: Serve, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "4711-0815")
        source = """
            import os
            def model_fn(model_dir): return dict(os.environ)
            def transform_fn(model, *_): return repr({**model, **os.environ}), "text/plain"
            """
        variables = ask(serve(source)).body.decode()
        assert "PATH" in variables
        assert "4711-0815" not in variables

    def test_what_a_script_prints_and_logs_goes_to_the_log_of_its_container(
        self, serve: Serve
    ) -> None:
        source = """
            import logging, subprocess
            def model_fn(model_dir): print("loading", 1)
            def transform_fn(*_):
                logging.getLogger(__name__).warning("answering")
                logging.debug("unheard")
                subprocess.run(["echo", "from a program"])
                return "", "text/plain"
            """
        one: list[str] = []
        two: list[str] = []
        model = serve(source, name="one", log=one.append)
        serve(source, name="two", log=two.append)
        ask(model)
        assert logged(one, "answering").endswith(" WARNING - script - answering")
        assert logged(one, "from a program") == "from a program"
        assert (one[0], two, "unheard" in str(one)) == ("loading 1", ["loading 1"], False)

    def test_it_has_the_variables_of_the_image(self, serve: Serve) -> None:
        source = """
            import os
            MODEL_DIR = os.environ["SM_MODEL_DIR"]
            def model_fn(model_dir): return os.environ["SAGEMAKER_SKLEARN_VERSION"]
            def transform_fn(model, *_): return f"{MODEL_DIR} {model}", "text/plain"
            """
        assert ask(serve(source)).body == b"/opt/ml/model 1.9-0"

    def test_it_finds_its_files_below_opt_ml(self, serve: Serve) -> None:
        source = """
            def model_fn(model_dir):
                with open("/opt/ml/model/note", "w") as note: note.write("kept")
            def transform_fn(*_): return open("/opt/ml/model/note").read(), "text/plain"
            """
        assert ask(serve(source)).body == b"kept"
        assert not Path("/opt/ml/model/note").exists()

    @pytest.mark.parametrize(
        "load", ["pickle.loads(PICKLED).SIDES", "importlib.import_module('shapes').Square.SIDES"]
    )
    def test_what_is_imported_or_unpickled_at_the_first_request_is_found(
        self, serve: Serve, load: str
    ) -> None:
        source = f"""
            import importlib, pickle
            PICKLED = b"cshapes\\nSquare\\n."
            def model_fn(model_dir): pass
            def transform_fn(*_): return {load}, "text/plain"
            """
        assert ask(serve(source, shapes="class Square: SIDES = '4'")).body == b"4"

    def test_the_old_name_of_joblib_is_bridged_and_the_log_says_so(self, serve: Serve) -> None:
        source = """
            from sklearn.externals import joblib
            def model_fn(model_dir): return joblib.dump(1, model_dir + "/x")
            def transform_fn(model, *_): return str(joblib.load(model[0])), "text/plain"
            """
        lines: list[str] = []
        assert ask(serve(source, log=lines.append)).body == b"1"
        assert "framework_version" in logged(lines, "sklearn.externals.joblib")

    def test_modules_of_localaws_are_not_its_own(self, serve: Serve) -> None:
        source = """
            import training
            def model_fn(model_dir): pass
            def transform_fn(*_): return training.NAME, "text/plain"
            """
        assert ask(serve(source, training="NAME = 'mine'")).body == b"mine"


class TestMultiModel:
    """Multi Model Server with the inference toolkit in place of Flask."""

    def serve(self, serve: Serve, source: str) -> LoadedModel:
        return serve(source, multi_model=True)

    def test_defaults_are_those_of_the_handler_service(self, serve: Serve) -> None:
        source = """
            class Double:
                def predict(self, data): return data * 2
            def model_fn(model_dir): return Double()
            """
        model = self.serve(serve, source)
        answer = ask(model, "1,2", "text/csv", "text/csv")
        assert (answer.body, answer.content_type) == (b"2.0,4.0\n", "text/csv")
        assert json.loads(ask(model, "[1, 2]").body) == [[2.0, 4.0]]

    def test_functions_may_take_the_context(self, serve: Serve) -> None:
        source = """
            def model_fn(model_dir, context): return context.system_properties["model_dir"]
            def transform_fn(model, content, content_type, accept, context): return model
            """
        answer = ask(self.serve(serve, source))
        assert (answer.body, answer.content_type) == (b"/opt/ml/model", "application/json")

    def test_a_failure_is_answered_with_its_reason(self, serve: Serve) -> None:
        source = """
            from sagemaker_inference.errors import GenericInferenceToolkitError
            def model_fn(model_dir): pass
            def transform_fn(model, content, *_):
                if content == "4xx": raise GenericInferenceToolkitError(422, "no such row")
                return 1/0
            """
        model = self.serve(serve, source)
        refused, failed = ask(model, "4xx", "text/csv"), ask(model, "", "text/csv")
        assert (refused.status, refused.body.startswith(b"no such row\nTraceback")) == (422, True)
        assert (failed.status, failed.body.startswith(b"division by zero\nTrace")) == (500, True)


class TestEnd:
    SOURCE = """
        import ctypes, os, time
        drawn = os.urandom(8).hex()  # once in each process
        def model_fn(model_dir): pass
        def transform_fn(model, content, *_):
            exec(content)
            return drawn, "text/plain"
        """

    def ask(self, model: LoadedModel, code: str) -> ContainerResponse:
        return ask(model, code, "text/csv")

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            ("os._exit(7)", b"exit code 7"),
            ("ctypes.string_at(0)", b"signal 11 (SIGSEGV)"),
            ("os.kill(os.getpid(), 9)", b"signal 9 (SIGKILL)"),
        ],
    )
    def test_of_its_process_is_a_500_with_the_reason_and_another_goes_on(
        self, serve: Serve, code: str, reason: bytes
    ) -> None:
        lines: list[str] = []
        model = serve(self.SOURCE, log=lines.append)
        first = self.ask(model, "pass").body
        answer = self.ask(model, code)
        assert (answer.status, reason in answer.body) == (500, True)
        assert reason.decode() in logged(lines, "a process of the container ended")
        again = self.ask(model, "pass")
        assert (again.status, again.body == first) == (200, False)

    def test_a_request_that_never_ends_is_given_up_and_its_process_replaced(
        self, serve: Serve
    ) -> None:
        lines: list[str] = []
        model = serve(
            self.SOURCE, {"SAGEMAKER_MODEL_SERVER_WORKERS": "1"}, lines.append, timeout_seconds=0.3
        )
        with pytest.raises(TimeoutError):
            self.ask(model, "time.sleep(600)")
        assert logged(lines, "no answer within 0.3 s")
        wait_until(lambda: self.ask(model, "pass").status == 200)

    def test_requests_that_wait_for_something_are_answered_beside_each_other(
        self, serve: Serve
    ) -> None:
        model = serve(self.SOURCE)
        with ThreadPoolExecutor(4) as threads:
            asked = [threads.submit(self.ask, model, "time.sleep(0.5)") for _ in range(8)]
        assert len({answer.result().body for answer in asked}) > 1

    def test_of_the_container_ends_its_processes_and_what_they_started(self, serve: Serve) -> None:
        seconds = str(600 + os.getpid() / 1_000_000)  # which tells it from all others
        source = f"""
            import subprocess
            def model_fn(model_dir):
                subprocess.Popen(["sleep", "{seconds}"], start_new_session=True)
            def transform_fn(*_): return "yes", "text/plain"
            """
        model = serve(source)
        assert ask(model).body == b"yes"
        assert is_running(seconds)
        model.close()
        wait_until(lambda: not is_running(seconds))


def is_running(argument: str) -> bool:
    """Whether any process of the machine has this argument; process ids differ in a container."""
    found = False
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found = found or argument.encode() in path.read_bytes().split(b"\0")
    return found


def test_a_container_that_is_not_ready_in_time_is_given_up(serve: Serve) -> None:
    source = """
        import time
        def model_fn(model_dir): time.sleep(3600)
        """
    with pytest.raises(ContainerStartError, match="not ready within 1 s"):
        serve(source, start_seconds=1.0)
