"""Regular expressions of users: what they mean, and that none takes for ever."""

import time

import pytest

from localaws.patterns import Pattern, PatternError

CATASTROPHES = ["(a+)+$", "(a|aa)+$", "(.*a){20}b", "([a-z]+)*!c"]


@pytest.mark.parametrize("text", CATASTROPHES)
def test_a_pattern_takes_time_in_proportion_to_the_text(text: str) -> None:
    began = time.process_time()
    Pattern(text).search("a" * 2000 + "!!")
    assert time.process_time() - began < 5


@pytest.mark.parametrize("text", ["(?!x)(a|aa)+$", "(a|aa)+(?!.)"])
def test_what_re2_does_not_know_is_given_up(text: str) -> None:
    with pytest.raises(PatternError, match=r"was given up after"):
        Pattern(text).search("a" * 2000 + "!!")


def test_looking_around_and_back_references_work() -> None:
    assert Pattern(r"(?<=loss=)(\d+)").search("loss=12") is not None
    assert Pattern(r"(.)\1").search("abba") is not None
    assert Pattern(r"(.)\1").search("abc") is None


def test_groups_have_names_in_both_spellings() -> None:
    for text in (r"(?P<ms>\d+) ms", r"(?<ms>\d+) ms"):
        match = Pattern(text).search("in 12 ms")
        assert match is not None
        assert match.groupdict() == {"ms": "12"}


def test_case_can_be_ignored() -> None:
    assert Pattern("LOADED", ignore_case=True).search("loaded") is not None
    assert Pattern("LOADED").search("loaded") is None


@pytest.mark.parametrize("text", ["(a", "[", "a" * 10_001, "*a"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(PatternError):
        Pattern(text)
