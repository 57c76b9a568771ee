"""Patterns that users give to MiniStack's services, on an engine that they cannot hold up.

MiniStack compiles them with Python's ``re``, which may backtrack for ever on the event loop.
"""

import re
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import re2
from ministack.services import cloudwatch_logs, s3

from localaws.ministack import patches
from localaws.patterns import Pattern, PatternError

MOST_TERMS = 100
_TERM = re.compile(r'([-?]*)(?:"((?:[^"\\]|\\.)*)"|%([^%]*)%|([^\s"%]+))(?:\s+|$)')


class LinearExpressions:
    """The module ``re`` with the engine of ``localaws.patterns`` for what it compiles."""

    def __getattr__(self, name: str) -> Any:
        return getattr(re, name)

    def compile(self, pattern: str, flags: int = 0) -> Pattern:
        """A pattern whose time is bounded; raises ``re.error`` for text that is none."""
        letters = "i" * bool(flags & re.IGNORECASE) + "s" * bool(flags & re.DOTALL)
        try:
            return Pattern(f"(?{letters}){pattern}" if letters else pattern)
        except PatternError as error:
            raise re.error(str(error)) from None

    def fullmatch(self, pattern: str, text: str, flags: int = 0) -> Any:
        """As in ``re``; None as well for a pattern that takes too long."""
        try:
            return self.compile(pattern, flags).fullmatch(text)
        except PatternError:
            return None


LINEAR = LinearExpressions()


def install() -> None:
    """Replace the engine of S3 (CORS) and the filter patterns of CloudWatch Logs."""
    patches.replace(s3, "re", lambda _: LINEAR)
    patches.replace(cloudwatch_logs, "_compile_filter_pattern", lambda _: filter_of)


def install_late() -> None:
    """The same for CloudFormation (AllowedPattern), Step Functions (StringMatches) and SNS."""
    from ministack.services import sns, stepfunctions
    from ministack.services.cloudformation import engine

    patches.replace(sns, "_re", lambda _: LINEAR)
    patches.replace(stepfunctions, "re", lambda _: LINEAR)
    patches.replace(stepfunctions, "jsonata", _with_linear_expressions)
    patches.replace(engine, "re", lambda _: LINEAR)


def _with_linear_expressions(jsonata: ModuleType) -> Any:
    """The package ``jsonata`` with RE2 for ``/…/``; what that does not know is refused."""

    def engine(pattern: str, flags: Any) -> Any:
        letters = "i" * flags.case_insensitive + "m" * flags.multiline
        return re2.compile(f"(?{letters}){pattern}" if letters else pattern)

    class Jsonata(jsonata.Jsonata):  # type: ignore[misc,name-defined]
        @staticmethod
        def jsonata(expression: str, **settings: Any) -> Any:
            return jsonata.Jsonata.jsonata(expression, engine, **settings)

    parts = {name: getattr(jsonata, name) for name in dir(jsonata) if not name.startswith("__")}
    return SimpleNamespace(**{**parts, "Jsonata": Jsonata})


def filter_of(text: str) -> Callable[[str], bool]:
    """What a filter pattern of CloudWatch Logs lets pass: terms, phrases, ``-``, ``?``, ``%…%``.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html

    Raises
    ------
    PatternError
        For what is no such pattern, and for those that look at fields, which are not here.
    """
    text = (text or "").strip()
    if text.startswith(("{", "[")):
        raise PatternError(
            "localaws has no filter patterns for fields ({…} and […]); terms, phrases in quotes,"
            " -term, ?term and %regex% work, and so do Logs Insights queries"
        )
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
