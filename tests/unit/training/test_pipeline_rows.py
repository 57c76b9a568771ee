import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.dataset import FIT_SHARE, TRAIN_SHARE, PipelineError, rows_needed, split_lines


@given(count=st.integers(0, 300))
def test_every_row_is_in_train_or_in_validation(count: int) -> None:
    rows = [f"{i},0.5".encode() for i in range(count)]
    train, validation = split_lines(b"\n".join(rows), expected=count, name="Chicago_IL")
    assert sorted((train + validation).split()) == sorted(rows)


def test_seventy_percent_of_the_rows_train() -> None:
    text = b"".join(b"%d\n" % i for i in range(900))
    train, validation = split_lines(text, expected=900, name="Chicago_IL")
    assert (train.count(b"\n"), validation.count(b"\n")) == (630, 270)


def test_rows_are_shuffled_in_the_same_way_each_time() -> None:
    text = b"".join(b"%d\n" % i for i in range(100))
    first, _ = split_lines(text, expected=100, name="Chicago_IL")
    again, _ = split_lines(text, expected=100, name="Chicago_IL")
    assert first == again
    assert first.split() != sorted(first.split())


def test_blank_lines_between_the_parts_of_a_batch_do_not_count() -> None:
    train, validation = split_lines(b"1\n\n2\n", expected=2, name="Chicago_IL")
    assert sorted((train + validation).split()) == [b"1", b"2"]


def test_a_lost_row_is_an_error() -> None:
    with pytest.raises(PipelineError, match="Chicago_IL: 2 preprocessed rows for 3 rows"):
        split_lines(b"1\n2\n", expected=3, name="Chicago_IL")


@pytest.mark.parametrize("size", [1, 20, 100, 1000])
def test_the_fewest_rows_leave_one_mini_batch_to_fit_on(size: int) -> None:
    def fitted_on(rows: int) -> int:
        return round(FIT_SHARE * round(TRAIN_SHARE * rows))

    rows = rows_needed(size)
    assert fitted_on(rows) >= size > fitted_on(rows - 1)
