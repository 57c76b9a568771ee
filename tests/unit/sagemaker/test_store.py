import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localaws.backend import Scope
from localaws.sagemaker.store import ResourceStore, StoreError
from localaws.testing.memory import SCOPE

ELSEWHERE = Scope("123456789012", "eu-west-1")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "sagemaker.sqlite"


@given(st.dictionaries(st.text(), JSON))
@settings(max_examples=20, deadline=None)
def test_what_was_put_comes_back(
    tmp_path_factory: pytest.TempPathFactory, value: dict[str, object]
) -> None:
    store = ResourceStore(tmp_path_factory.mktemp("store") / "file")
    store.put("model", SCOPE, "a", value)
    assert store.get("model", SCOPE, "a") == value
    store.close()


def test_a_missing_resource_is_none(path: Path) -> None:
    assert ResourceStore(path).get("model", SCOPE, "a") is None


def test_kinds_scopes_and_names_are_kept_apart(path: Path) -> None:
    store = ResourceStore(path)
    store.put("model", SCOPE, "a", {"n": 1})
    store.put("endpoint", SCOPE, "a", {"n": 2})
    store.put("model", ELSEWHERE, "a", {"n": 3})
    store.put("model", SCOPE, "b", {"n": 4})
    assert [store.list("model", SCOPE), store.list("model", ELSEWHERE)] == [
        [{"n": 1}, {"n": 4}],
        [{"n": 3}],
    ]


def test_members_of_resources_are_those_that_each_has(path: Path) -> None:
    store = ResourceStore(path)
    store.put("job", SCOPE, "a", {"Name": "A", "Spot": False, "Size": {"Count": 1}, "Rest": 1})
    store.put("job", SCOPE, "b", {"Name": "B"})
    assert store.members("job", SCOPE, ("Name", "Spot", "Size")) == [
        {"Name": "A", "Spot": False, "Size": {"Count": 1}},
        {"Name": "B"},
    ]


def test_the_scopes_of_a_kind_are_known(path: Path) -> None:
    store = ResourceStore(path)
    store.put("model", SCOPE, "a", {})
    store.put("model", ELSEWHERE, "a", {})
    store.put("endpoint", Scope("999999999999", "us-east-1"), "a", {})
    assert set(store.scopes("model")) == {SCOPE, ELSEWHERE}


def test_a_deleted_resource_is_gone_and_deleting_it_again_changes_nothing(path: Path) -> None:
    store = ResourceStore(path)
    store.put("model", SCOPE, "a", {})
    store.delete("model", SCOPE, "a")
    store.delete("model", SCOPE, "a")
    assert store.list("model", SCOPE) == []


def test_a_change_to_what_was_read_changes_nothing(path: Path) -> None:
    store = ResourceStore(path)
    store.put("model", SCOPE, "a", {"tags": []})
    read = store.get("model", SCOPE, "a")
    assert read is not None
    read["tags"].append("x")
    assert store.get("model", SCOPE, "a") == {"tags": []}


def test_a_name_is_added_once(path: Path) -> None:
    store = ResourceStore(path)
    assert store.add("model", SCOPE, "a", {"n": 1})
    assert not store.add("model", SCOPE, "a", {"n": 2})
    assert store.get("model", SCOPE, "a") == {"n": 1}


def test_names_of_before_are_found_in_lower_case(path: Path) -> None:
    store = ResourceStore(path)
    store.put("job", SCOPE, "Fit-Chicago", {"n": 1})
    store.lower_names("job")
    assert store.get("job", SCOPE, "fit-chicago") == {"n": 1}
    assert len(store.list("job", SCOPE)) == 1


def test_resources_survive_a_restart(path: Path) -> None:
    store = ResourceStore(path)
    store.put("model", SCOPE, "a", {"n": 1})
    store.close()
    assert ResourceStore(path).get("model", SCOPE, "a") == {"n": 1}


def test_what_was_put_survives_kill_9(path: Path) -> None:
    program = (
        "import os, pathlib, sys\n"
        "from localaws.backend import Scope\n"
        "from localaws.sagemaker.store import ResourceStore\n"
        "store = ResourceStore(pathlib.Path(sys.argv[1]))\n"
        "for n in range(20): store.put('model', Scope(*sys.argv[2:]), str(n), {})\n"
        "os.kill(os.getpid(), 9)\n"
    )
    scope = (SCOPE.account_id, SCOPE.region)
    subprocess.run([sys.executable, "-c", program, str(path), *scope], check=False)
    assert len(ResourceStore(path).list("model", SCOPE)) == 20


def test_many_threads_can_write_at_once(path: Path) -> None:
    store = ResourceStore(path)

    def write(thread: int) -> None:
        for number in range(20):
            store.put("model", SCOPE, f"{thread}-{number}", {})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.list("model", SCOPE)) == 160


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + b"\xff" * 200])
def test_a_damaged_file_is_named_and_kept_and_a_new_one_begun(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    store = ResourceStore(path)
    store.put("model", SCOPE, "a", {})
    (kept,) = path.parent.glob(f"{path.name}.damaged-*")
    assert kept.read_bytes() == content
    assert str(path) in caplog.text
    assert store.list("model", SCOPE) == [{}]


def test_a_database_of_another_program_is_refused(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (text)")
    connection.close()
    with pytest.raises(StoreError, match="another program"):
        ResourceStore(path)


def test_a_store_of_a_later_version_is_refused(path: Path) -> None:
    ResourceStore(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="has version 99"):
        ResourceStore(path)
