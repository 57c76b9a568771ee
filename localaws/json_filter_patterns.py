"""Filter patterns that look at the fields of JSON: ``{ ($.latency > 100) && ($.city = Chi*) }``.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax-JSON.html

A comparison with a field that is not there does not hold, whichever it is (our choice: AWS does not
say so of ``!=``).
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localaws.patterns import Pattern, PatternError

MOST_TESTS = 100
Test = Callable[[Any], bool]
"""Tells whether a document passes."""
Steps = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<selector>\$(?:\.[\w-]+|\.?\['[^']*'\]|\[\d+\])*)
    |(?P<sign>&&|\|\||!=|<=|>=|=|<|>|\(|\))
    |"(?P<phrase>(?:[^"\\]|\\.)*)"
    |%(?P<regex>[^%]*)%
    |(?P<word>[\w.*:/@+-]+)
    )\s*""",
    re.VERBOSE,
)
_STEP = re.compile(r"\.([\w-]+)|\.?\['([^']*)'\]|\[(\d+)\]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MISSING = object()


def read(text: str) -> Test:
    """The test that a pattern is.

    Raises
    ------
    PatternError
        For text that is none.
    """
    if not text.endswith("}"):
        raise PatternError("Invalid filter pattern: } is missing")
    return _Reader(text[1:-1]).whole()


def value_at(document: Any, selector: str) -> Any:
    """What a selector, ``$.a.b[0]``, selects; None when nothing is there."""
    found = _found(document, _steps(selector))
    return None if found is _MISSING else found


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


class _Reader:
    """Reads one pattern: ``||`` of ``&&`` of comparisons, with parentheses."""

    def __init__(self, text: str) -> None:
        self._tokens: list[_Token] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise _invalid(text[position:].strip())
            kind = match.lastgroup or ""
            self._tokens.append(_Token(kind, match[kind]))
            position = match.end()
        if sum(token.kind == "selector" for token in self._tokens) > MOST_TESTS:
            raise PatternError(f"Invalid filter pattern: it has more than {MOST_TESTS} comparisons")
        self._tokens.reverse()
        self._depth = 0

    def whole(self) -> Test:
        test = self._either()
        if self._tokens:
            raise _invalid(self._tokens[-1].text)
        return test

    def _either(self) -> Test:
        tests = [self._all()]
        while self._takes("||"):
            tests.append(self._all())
        return lambda document: any(test(document) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._takes("&&"):
            tests.append(self._one())
        return lambda document: all(test(document) for test in tests)

    def _one(self) -> Test:
        if not self._takes("("):
            return self._comparison()
        self._depth += 1
        if self._depth > MOST_TESTS:
            raise PatternError("Invalid filter pattern: its parentheses are too deep")
        test = self._either()
        if not self._takes(")"):
            raise PatternError("Invalid filter pattern: ) is missing")
        self._depth -= 1
        return test

    def _comparison(self) -> Test:
        steps = _steps(self._next("selector"))
        sign = self._next("sign", "word")
        if sign.upper() in ("IS", "NOT"):
            return _keyword_test(steps, f"{sign} {self._next('word')}".upper())
        if sign not in _COMPARISONS:
            raise _invalid(sign)
        right = self._tokens.pop() if self._tokens else _Token("", "")
        if right.kind == "word" and _NUMBER.fullmatch(right.text):
            return _number_test(steps, sign, float(right.text))
        if right.kind not in ("word", "phrase", "regex") or sign not in ("=", "!="):
            raise _invalid(f"{sign} {right.text}".strip())
        return _text_test(steps, sign, right)

    def _takes(self, sign: str) -> bool:
        if not self._tokens or self._tokens[-1] != _Token("sign", sign):
            return False
        self._tokens.pop()
        return True

    def _next(self, *kinds: str) -> str:
        if not self._tokens or self._tokens[-1].kind not in kinds:
            raise _invalid(self._tokens[-1].text if self._tokens else "its end")
        return self._tokens.pop().text


def _keyword_test(steps: Steps, keyword: str) -> Test:
    values = {"IS TRUE": True, "IS FALSE": False, "IS NULL": None, "NOT EXISTS": _MISSING}
    if keyword not in values:
        raise _invalid(keyword)
    wanted = values[keyword]
    return lambda document: _found(document, steps) is wanted


def _number_test(steps: Steps, sign: str, wanted: float) -> Test:
    compare = _COMPARISONS[sign]

    def test(document: Any) -> bool:
        value = _found(document, steps)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and math.isfinite(value) and compare(value, wanted)

    return test


def _text_test(steps: Steps, sign: str, right: _Token) -> Test:
    if right.kind == "regex":
        search = Pattern(right.text).search
    else:
        wanted = re.sub(r"\\(.)", r"\1", right.text) if right.kind == "phrase" else right.text
        search = Pattern(".*".join(map(re.escape, wanted.split("*"))).join(("(?s)^", "$"))).search

    def test(document: Any) -> bool:
        value = _found(document, steps)
        return isinstance(value, str) and (search(value) is not None) == (sign == "=")

    return test


def _steps(selector: str) -> Steps:
    return tuple(
        int(match[3]) if match[3] else match[1] or match[2] for match in _STEP.finditer(selector)
    )


def _found(document: Any, steps: Steps) -> Any:
    for step in steps:
        is_there = isinstance(document, list if isinstance(step, int) else Mapping)
        try:
            document = document[step] if is_there else _MISSING
        except (KeyError, IndexError):
            return _MISSING
    return document


def _invalid(near: str) -> PatternError:
    return PatternError(f"Invalid filter pattern: it cannot be read at {near[:80]!r}")
