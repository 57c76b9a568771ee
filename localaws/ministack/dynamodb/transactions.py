"""Makes DynamoDB's transactions quick: what follows from an expression's text is found out once.

MiniStack reads the expressions of each action anew, several times over, and asks for each action
whether the caller may do it. A batch of a hundred actions has few different expressions, on one
table: so that here a fleet's registry is written at three times the speed.
"""

import json
from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, TypeVar

from ministack.core import iam_actions
from ministack.services import dynamodb

from localaws.ministack import patches

EXPRESSIONS = 1024
"""Of at most 4 KB each."""
NUMBERS = 65_536
"""Which are read four times each while they are checked, measured and kept."""
MOST_DIGITS = 64

T = TypeVar("T")
Token = tuple[str, str]
Check = tuple[str, str]


def install() -> None:
    """Put the quick ones in MiniStack's place."""
    patches.replace(dynamodb, "_tokenize", _tokens_once)
    patches.replace(dynamodb, "_condition_syntax_error", lru_cache(EXPRESSIONS))
    for name in ("_number_size_bytes", "_number_error", "_ddb_canonicalize_number"):
        patches.replace(dynamodb, name, _of_texts_once)
    patches.replace(iam_actions, "dynamodb_transaction_checks", _each_once)
    patches.replace(iam_actions, "json", lambda _: _JSON_READ_ONCE)


@lru_cache(maxsize=1)
def read_once(body: bytes) -> Any:
    """The document of the latest request, for all who ask what it is about: not to be changed.

    Raises
    ------
    ValueError
    """
    return json.loads(body)


_JSON_READ_ONCE = SimpleNamespace(**{**vars(json), "loads": read_once})
"""The module ``json`` for those who only look at what it reads."""


def _tokens_once(tokenize: Callable[[str], list[Token]]) -> Callable[[str], list[Token]]:
    """The tokens of a text, in a list of the caller's own."""
    tokens = lru_cache(EXPRESSIONS)(lambda text: tuple(tokenize(text)))
    return lambda expr: list(tokens(expr))


def _of_texts_once(read: Callable[[Any], T]) -> Callable[[Any], T]:
    """What is read of a number's text; what is none may be long, or have no hash."""
    once = lru_cache(NUMBERS)(read)

    def read_text(text: Any) -> T:
        is_short = isinstance(text, str) and len(text) <= MOST_DIGITS
        return once(text) if is_short else read(text)

    return read_text


def _each_once(checks: Callable[..., list[Check]]) -> Callable[..., list[Check]]:
    """Ask once for what many actions of a transaction do: the context is that of all of them."""

    def unique(*request: Any) -> list[Check]:
        return list(dict.fromkeys(checks(*request)))

    return unique
