"""Patterns that users give to MiniStack's services, on an engine that they cannot hold up.

MiniStack compiles them with Python's ``re``, which may backtrack for ever on the event loop.
"""

import re
from types import ModuleType, SimpleNamespace
from typing import Any

import re2
from ministack.services import cloudwatch_logs, s3

from localaws.filter_patterns import filter_of
from localaws.ministack import patches
from localaws.patterns import Pattern, PatternError


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
