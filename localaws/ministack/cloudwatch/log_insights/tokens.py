"""A query's text as tokens."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["string", "regex", "number", "name", "symbol", "end"]

_TOKEN = re.compile(
    r"""
      \s+ | \#[^\n]*
    | (?P<string> "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' )
    | (?P<regex> /(?:\\.|[^/\\])+/i? )
    | (?P<number> -?\d+(?:\.\d+)? )
    | (?P<name> `[^`]+` | @?[A-Za-z_][\w.]* )
    | (?P<symbol> != | <= | >= | [|,()=<>*] )
    """,
    re.VERBOSE,
)


class MalformedQueryError(ValueError):
    """A query that cannot be run; the text says what is wrong and what is allowed."""


@dataclass(frozen=True)
class Token:
    """A piece of the text; strings and names without their quotes."""

    kind: Kind
    text: str

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these words or symbols, in any case."""
        return self.kind in ("name", "symbol") and self.text.lower() in words


def tokenize(query: str) -> Iterator[Token]:
    """All tokens, ending with one of kind ``end``.

    Raises
    ------
    MalformedQueryError
    """
    position = 0
    while position < len(query):
        match = _TOKEN.match(query, position)
        if match is None:
            raise MalformedQueryError(f"unexpected {query[position:][:20]!r} in the query")
        position = match.end()
        kind = match.lastgroup
        if kind == "string":
            yield Token("string", re.sub(r"\\(.)", r"\1", match[0][1:-1]))
        elif kind == "name":
            yield Token("name", match[0].strip("`"))
        elif kind is not None:
            yield Token(kind, match[0])  # type: ignore[arg-type]  # the groups are named by kind
    yield Token("end", "")
