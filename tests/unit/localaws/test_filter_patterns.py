"""What filter patterns of CloudWatch Logs let pass."""

import json

import pytest

from localaws.filter_patterns import filter_of
from localaws.patterns import PatternError


@pytest.mark.parametrize(
    ("pattern", "passes", "fails"),
    [
        ("", "anything", None),
        ("ERROR", "an ERROR", "an error"),
        ("ERROR Exception", "Exception: ERROR", "ERROR"),
        ('"INTERNAL SERVER"', "INTERNAL SERVER ERROR", "INTERNAL ERROR SERVER"),
        ("ERROR -EXIT", "ERROR", "ERROR, EXIT"),
        ("?ERROR ?WARN", "WARN", "INFO"),
        ("?ERROR WARN", "WARN", "ERROR"),
        (r"%loss=\d+%", "loss=12", "loss="),
        ("-%(a+)+$%", "b", "aaa"),
    ],
)
def test_filter_patterns(pattern: str, passes: str, fails: str | None) -> None:
    assert filter_of(pattern)(passes)
    assert fails is None or not filter_of(pattern)(fails)


@pytest.mark.parametrize("pattern", ["[ip, user]", '"open', "a%", "--a", "%(%"])
def test_filter_patterns_that_cannot_be_followed_are_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        filter_of(pattern)


EVENT = {
    "city": "Chicago",
    "latency": 120.5,
    "cold": True,
    "error": None,
    "user": {"name": "ann", "ip": "10.0.0.7"},
    "models": [{"id": "a"}, {"id": "b"}],
    "a.b": "dotted",
}


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.city = "Chicago" }',
        "{$.city=Chicago}",
        "{ $.city = Chi* }",
        "{ $.city = %^Chi.a% }",
        "{ $.city != Boston }",
        "{ $.user.ip = 10.0.* }",
        "{ $.models[1].id = b }",
        "{ $.['a.b'] = dotted }",
        "{ $.latency > 1.2e2 }",
        "{ $.latency = 120.5 }",
        "{ $.latency != 120 }",
        "{ $.cold IS TRUE }",
        "{ $.error IS NULL }",
        "{ $.nothing NOT EXISTS }",
        "{ $.latency > 100 && $.city = Boston || $.cold IS TRUE }",
        "{ ($.latency > 100) && (($.city = Boston) || ($.city = Chicago)) }",
    ],
)
def test_fields_of_json_that_fit(pattern: str) -> None:
    assert filter_of(pattern)(json.dumps(EVENT))


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.city = chicago }",
        "{ $.city = Chi }",
        "{ $.city != Chi* }",
        "{ $.city > 1 }",
        "{ $.cold = 1 }",
        "{ $.latency <= 120 }",
        "{ $.cold IS FALSE }",
        "{ $.city IS NULL }",
        "{ $.city NOT EXISTS }",
        "{ $.nothing = 1 }",
        "{ $.nothing != x }",
        "{ $.models[2].id = b }",
        "{ $.models.id = a }",
        "{ $.latency > 100 && ($.city = Boston || $.cold IS FALSE) }",
    ],
)
def test_fields_of_json_that_do_not(pattern: str) -> None:
    assert not filter_of(pattern)(json.dumps(EVENT))


@pytest.mark.parametrize("message", ["Chicago", "{", "[]", '"city"', "[" * 100_000])
def test_what_is_no_such_document_passes_no_pattern_of_fields(message: str) -> None:
    assert not filter_of("{ $.city = Chicago }")(message)


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.a = 1",
        "{ }",
        "{ a = 1 }",
        "{ $.a }",
        "{ $.a = }",
        "{ $.a == 1 }",
        "{ $.a > b }",
        "{ $.a IS TALL }",
        "{ $.a = 1 & $.b = 2 }",
        "{ ($.a = 1 }",
        "{ $.a = 1 ) }",
        "{ $.a = %(% }",
        "{ $.a = 1 && }",
        "{ " + "(" * 1000 + "$.a = 1 }",
        "{ " + " && ".join(["$.a = 1"] * 200) + " }",
    ],
)
def test_patterns_of_fields_that_are_none(pattern: str) -> None:
    with pytest.raises(PatternError):
        filter_of(pattern)
