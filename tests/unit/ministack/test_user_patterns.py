"""Patterns of users: what they mean, and that the event loop does not wait for them."""

import re
import time
from typing import Any

import pytest
from ministack.services import s3, sns, stepfunctions
from ministack.services.cloudformation import engine

from localaws.ministack import user_patterns
from localaws.ministack.user_patterns import LINEAR

STARS = "a*" * 30 + "b"
LONG = "a" * 5_000


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    user_patterns.install()
    user_patterns.install_late()


def _allowed(pattern: str, value: str) -> bool:
    try:
        engine._check_parameter_constraints("P", {"AllowedPattern": pattern}, "String", value)
    except ValueError:
        return False
    return True


def _jsonata(expression: str) -> Any:
    return stepfunctions._evaluate_jsonata(expression, {})


@pytest.mark.parametrize(
    "match",
    [
        lambda: _allowed("(a+)+$", LONG + "!"),
        lambda: _allowed("(?!x)(a|aa)+$", LONG + "!"),
        lambda: s3._cors_pattern_matches(STARS, LONG),
        lambda: sns._wildcard_matches(LONG, STARS),
        lambda: stepfunctions._evaluate_rule({"Variable": "$", "StringMatches": STARS}, LONG, {}),
        lambda: _jsonata('$contains("' + "a" * 5_000 + '!", /^(a+)+$/)'),
    ],
    ids=[
        "AllowedPattern",
        "AllowedPattern with look-ahead",
        "CORS",
        "SNS",
        "StringMatches",
        "JSONata",
    ],
)
def test_no_pattern_holds_the_server_up(match: Any) -> None:
    began = time.process_time()
    assert not match()
    assert time.process_time() - began < 2


def test_patterns_mean_what_they_meant() -> None:
    assert _allowed("[a-z]+-\\d", "ab-1")
    assert not _allowed("[a-z]+", "ab-1")
    assert s3._cors_pattern_matches("https://*.example.com", "https://a.example.com")
    assert not s3._cors_pattern_matches("https://*.example.com", "https://example.com")
    assert s3._cors_pattern_matches("X-AMZ-*", "x-amz-date", re.IGNORECASE)
    assert _jsonata('$replace("New York", /(?:new) (y)/i, "$1")') == "York"
    assert _jsonata('$split("a1b22c", /[0-9]+/)') == ["a", "b", "c"]
    assert sns._wildcard_matches("new\nyork", "new*k")
    assert stepfunctions._evaluate_rule(
        {"Variable": "$", "StringMatches": "log-*.txt"}, "log-1.txt", {}
    )


def test_what_is_no_pattern_is_said_in_the_words_of_re() -> None:
    with pytest.raises(re.error):
        LINEAR.compile("(a")
