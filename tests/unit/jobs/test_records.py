"""Files to records, records to requests, answers to files."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.jobs.transform.records import (
    RECORDIO_HEADER,
    RECORDIO_MAGIC,
    RecordError,
    assemble,
    batches,
    split,
)

LINES = st.lists(
    st.binary(min_size=1, max_size=20).filter(
        lambda line: b"\n" not in line and not line.endswith(b"\r") and line.strip()
    )
)


def recordio(payload: bytes) -> bytes:
    header = RECORDIO_HEADER.pack(RECORDIO_MAGIC, len(payload))
    return header + payload + b"\0" * (-len(payload) % 4)


def tfrecord(payload: bytes) -> bytes:
    return struct.pack("<Q", len(payload)) + b"cccc" + payload + b"dddd"


class TestSplit:
    @pytest.mark.parametrize("data", [b"a\nb", b"a\nb\n", b"a\r\nb\r\n", b"a\n\n\nb\n\n"])
    def test_lines_come_without_their_ends_and_blank_ones_not_at_all(self, data: bytes) -> None:
        assert split(data, "Line") == [b"a", b"b"]

    def test_none_is_the_whole_file(self) -> None:
        assert split(b"a\nb", "None") == [b"a\nb"]

    @pytest.mark.parametrize("split_type", ["None", "Line", "RecordIO", "TFRecord"])
    def test_an_empty_file_has_no_records(self, split_type: str) -> None:
        assert split(b"", split_type) == []

    @given(st.lists(st.binary(max_size=20)))
    def test_framed_records_come_with_their_frames(self, payloads: list[bytes]) -> None:
        for split_type, frame in (("RecordIO", recordio), ("TFRecord", tfrecord)):
            frames = [frame(payload) for payload in payloads]
            assert split(b"".join(frames), split_type) == frames

    @given(st.lists(st.binary(max_size=9), min_size=1), st.integers(1, 7))
    def test_a_file_that_is_cut_off_is_refused(self, payloads: list[bytes], missing: int) -> None:
        data = b"".join(map(recordio, payloads))
        with pytest.raises(RecordError, match="cut off"):
            split(data[:-missing], "RecordIO")

    def test_what_is_no_recordio_is_refused(self) -> None:
        with pytest.raises(RecordError, match="no RecordIO record at byte 0"):
            split(b"1,2,3\n4,5,6\n", "RecordIO")


class TestBatches:
    def test_single_record_makes_a_request_of_each(self) -> None:
        made = list(batches([b"a", b"b"], "Line", "SingleRecord", 100))
        assert [(batch.body, batch.place) for batch in made] == [
            (b"a", "record 1"),
            (b"b", "record 2"),
        ]

    def test_multi_record_fills_requests_up_to_the_payload(self) -> None:
        made = list(batches([b"aa", b"bb", b"cc"], "Line", "MultiRecord", 6))
        assert [batch.body for batch in made] == [b"aa\nbb", b"cc"]

    def test_a_record_that_does_not_fit_is_named(self) -> None:
        with pytest.raises(RecordError, match="record 2 has 4 bytes; MaxPayloadInMB allows 3"):
            list(batches([b"aaa", b"bbbb"], "Line", "MultiRecord", 3))

    def test_a_request_may_be_as_large_as_the_payload(self) -> None:
        made = list(batches([b"aa", b"b", b"cccc"], "Line", "MultiRecord", 4))
        assert [batch.body for batch in made] == [b"aa\nb", b"cccc"]

    @given(LINES, st.integers(20, 200), st.sampled_from(["SingleRecord", "MultiRecord"]))
    def test_requests_hold_every_record_once_in_order_and_fit(
        self, records: list[bytes], maximum: int, strategy: str
    ) -> None:
        made = list(batches(records, "Line", strategy, maximum))
        assert [record for batch in made for record in split(batch.body, "Line")] == records
        assert all(len(batch.body) <= maximum for batch in made)
        assert [batch.first for batch in made] == [
            1 + sum(len(before.records) for before in made[:number]) for number in range(len(made))
        ]


class TestAssemble:
    def test_line_puts_every_answer_on_lines_of_its_own(self) -> None:
        assert assemble([b"a", b"b\n", b"c\nd"], "Line") == b"a\nb\nc\nd\n"

    def test_none_only_joins(self) -> None:
        assert assemble([b"a", b"b\n"], "None") == b"ab\n"

    @given(LINES)
    def test_lines_are_what_they_were(self, lines: list[bytes]) -> None:
        assert split(assemble(lines, "Line"), "Line") == lines
