"""Filter patterns of CloudWatch Logs: terms and phrases, or fields of JSON.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import json
import re
from collections.abc import Callable
from typing import Any

from localaws.json_filter_patterns import Test, read
from localaws.patterns import Pattern, PatternError

MOST_TERMS = 100
_TERM = re.compile(r'([-?]*)(?:"((?:[^"\\]|\\.)*)"|%([^%]*)%|([^\s"%]+))(?:\s+|$)')


def filter_of(text: str) -> Callable[[str], bool]:
    """What a filter pattern lets pass: terms, phrases, ``-``, ``?``, ``%…%``, or ``{ $.a = 1 }``.

    Raises
    ------
    PatternError
        For what is no such pattern, and for those of fields between spaces, which are not here.
    """
    text = (text or "").strip()
    if text.startswith("["):
        raise PatternError(
            "localaws has no filter patterns for fields between spaces ([…]); terms, phrases in"
            " quotes, -term, ?term, %regex% and { $.field = value } work, and so do Logs Insights"
            " queries"
        )
    if text.startswith("{"):
        test = read(text)
        return lambda message: _passes(test, message)
    return _terms(text)


def document_of(message: str) -> Any:
    """The JSON of a message; None for one that is none."""
    if not message.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(message)
    except (ValueError, RecursionError):
        return None


def _passes(test: Test, message: str) -> bool:
    document = document_of(message)
    return document is not None and test(document)


def _terms(text: str) -> Callable[[str], bool]:
    tests: dict[str, dict[str, Callable[[str], bool]]] = {"": {}, "-": {}, "?": {}}
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None or match[1] not in tests:
            raise PatternError(f"Invalid filter pattern: {text[position:]!r} is no term")
        tests[match[1]][match[0]] = _test_of(match)
        position = match.end()
    every, none, some = (list(kind.values()) for kind in tests.values())
    if len(every) + len(none) + len(some) > MOST_TERMS:
        raise PatternError(f"Invalid filter pattern: it has more than {MOST_TERMS} terms")
    if every or none:
        some = []  # as on AWS, where ? counts only if all terms have it
    return lambda message: (
        all(test(message) for test in every)
        and not any(test(message) for test in none)
        and (not some or any(test(message) for test in some))
    )


def _test_of(match: re.Match[str]) -> Callable[[str], bool]:
    phrase, expression, term = match[2], match[3], match[4]
    if expression is not None:
        pattern = Pattern(expression)
        return lambda message: pattern.search(message) is not None
    wanted: str = term if phrase is None else re.sub(r"\\(.)", r"\1", phrase)
    return lambda message: wanted in message
