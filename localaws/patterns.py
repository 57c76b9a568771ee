"""Regular expressions that users give: whatever they are, they cannot hold up the server.

RE2 takes time in proportion to the text (https://github.com/google/re2). What it does not know,
looking around and back references, goes to an engine that gives up after a while and lets other
threads run meanwhile.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol

import re2
import regex

MAXIMUM_LENGTH = 10_000
GIVE_UP_SECONDS = 0.2


class PatternError(ValueError):
    """No regular expression, or one that took too long; the text says which."""


class Match(Protocol):
    """Where a pattern was found."""

    def group(self, index: int, /) -> str | None: ...

    def groupdict(self) -> Mapping[str, str | None]: ...


class Pattern:
    """A compiled regular expression; ``groups`` counts its groups.

    Raises
    ------
    PatternError
        For text that is none.
    """

    def __init__(self, text: str, *, ignore_case: bool = False) -> None:
        if len(text) > MAXIMUM_LENGTH:
            raise PatternError(f"it has {len(text)} characters; at most {MAXIMUM_LENGTH} are taken")
        self._text = text
        self._linear = _compiled_by_re2(text, ignore_case)
        self._other = None if self._linear else _compiled_by_regex(text, ignore_case)
        compiled: Any = self._linear or self._other
        self.groups: int = compiled.groups

    def search(self, text: str) -> Match | None:
        """The first place where it is found.

        Raises
        ------
        PatternError
            When that takes too long.
        """
        return self._run("search", text)

    def fullmatch(self, text: str) -> Match | None:
        """The whole text, if it fits.

        Raises
        ------
        PatternError
            When that takes too long.
        """
        return self._run("fullmatch", text)

    def _run(self, method: str, text: str) -> Match | None:
        match: Match | None
        if self._linear is not None:
            match = getattr(self._linear, method)(text)
            return match
        try:
            search = getattr(self._other, method)
            match = search(text, timeout=GIVE_UP_SECONDS, concurrent=True)
        except TimeoutError:
            message = f"/{self._text}/ was given up after {GIVE_UP_SECONDS} s on one text"
            raise PatternError(message) from None
        return match


@lru_cache(maxsize=256)
def _compiled_by_re2(text: str, ignore_case: bool) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(text, options)
    except re2.error:
        return None


@lru_cache(maxsize=256)
def _compiled_by_regex(text: str, ignore_case: bool) -> "regex.Pattern[str]":
    try:
        return regex.compile(text, regex.IGNORECASE if ignore_case else 0)
    except (regex.error, RecursionError, OverflowError) as error:
        raise PatternError(str(error)) from None
