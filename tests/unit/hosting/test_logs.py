from localaws.hosting.logs import MAXIMUM_ACCESS_LINES, LogPublisher
from localaws.testing.memory import SCOPE, MemoryBackend


def flushed(publisher: LogPublisher, backend: MemoryBackend) -> list[str]:
    publisher.flush()
    return backend.lines["group", "stream"]


def test_each_line_becomes_an_event() -> None:
    backend = MemoryBackend()
    publisher = LogPublisher(backend)
    publisher.stream(SCOPE, "group", "stream").write("one\n\ntwo\n")
    assert flushed(publisher, backend) == ["one", "two"]


def test_an_access_line_has_method_path_status_size_and_milliseconds() -> None:
    backend = MemoryBackend()
    publisher = LogPublisher(backend)
    stream = publisher.stream(SCOPE, "group", "stream")
    stream.access("/invocations", 200, 45, 0.00125)
    assert flushed(publisher, backend) == ['"POST /invocations HTTP/1.1" 200 45 1.250ms']


def test_a_load_test_does_not_flood_the_log() -> None:
    backend = MemoryBackend()
    publisher = LogPublisher(backend)
    stream = publisher.stream(SCOPE, "group", "stream")
    accepted = [stream.accepts_access() for _ in range(MAXIMUM_ACCESS_LINES + 25)]
    assert accepted.count(True) == MAXIMUM_ACCESS_LINES
    assert flushed(publisher, backend) == ["25 more requests within this second"]


def test_after_a_flush_access_lines_are_taken_again() -> None:
    backend = MemoryBackend()
    publisher = LogPublisher(backend)
    stream = publisher.stream(SCOPE, "group", "stream")
    for _ in range(MAXIMUM_ACCESS_LINES + 1):
        stream.accepts_access()
    publisher.flush()
    assert stream.accepts_access()
