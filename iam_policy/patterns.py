"""Text of a policy that a request is compared with: wildcards and policy variables.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from iam_policy.model import Context, PolicyError


class Wildcard(Enum):
    """``*`` stands for any text, the empty one too; ``?`` for exactly one character."""

    ANY_TEXT = "*"
    ANY_CHARACTER = "?"


@dataclass(frozen=True)
class Variable:
    """``${key}`` or ``${key, 'default'}``; the key in lower case."""

    key: str
    default: str | None


Token = str | Wildcard | Variable
ResolvedToken = str | Wildcard

ARN_COMPONENTS = 6
NOTHING = "(?!)"
"""A regular expression that matches no text."""
_TOKEN = re.compile(r"\$\{(?P<variable>[^}]*)\}|(?P<open>\$\{)|(?P<wildcard>[*?])")
_VARIABLE = re.compile(r"\s*(?P<key>[^:,']+:[^,']+?)\s*(?:,\s*'(?P<default>[^']*)'\s*)?")
_ESCAPED_CHARACTERS = frozenset("*?$")


def tokenize(text: str, *, wildcards: bool, variables: bool) -> tuple[Token, ...]:
    """Split policy text into literal text, wildcards and variables.

    Without ``wildcards``, ``*`` and ``?`` are ordinary characters. Without ``variables`` (policies
    of version 2008-10-17), so is ``${``.

    Raises
    ------
    PolicyError
        For a malformed variable.
    """
    tokens: list[Token] = []
    end = 0
    for match in _TOKEN.finditer(text):
        token = _token(match, text, wildcards=wildcards, variables=variables)
        tokens += [text[end : match.start()], token]
        end = match.end()
    tokens.append(text[end:])
    return _joined(tokens)


def _token(match: re.Match[str], text: str, *, wildcards: bool, variables: bool) -> Token:
    if match["wildcard"]:
        return Wildcard(match[0]) if wildcards else match[0]
    if not variables:
        return match[0]
    if match["open"]:
        raise PolicyError(f"policy variable without a closing brace in {text!r}")
    if match["variable"] in _ESCAPED_CHARACTERS:
        return match["variable"]
    variable = _VARIABLE.fullmatch(match["variable"])
    if variable is None:
        raise PolicyError(f"{match[0]!r} is not a policy variable: ${{key}} or ${{key, 'default'}}")
    return Variable(variable["key"].lower(), variable["default"])


def _joined(tokens: Iterable[Token]) -> tuple[Token, ...]:
    """Neighbouring literal texts as one; empty ones left out."""
    joined: list[Token] = []
    for token in tokens:
        if isinstance(token, str) and joined and isinstance(joined[-1], str):
            joined[-1] += token
        elif token != "":
            joined.append(token)
    return tuple(joined)


def resolve(tokens: tuple[Token, ...], context: Context) -> tuple[ResolvedToken, ...] | None:
    """Replace variables by literal text.

    None when a variable has neither a value nor a default: then the text equals nothing and is
    like nothing. A key with several values has no value as a variable. Wildcards within a value
    stay literal text, so that no caller widens a policy by a tag.
    """
    resolved: list[ResolvedToken] = []
    for token in tokens:
        if isinstance(token, Variable):
            value = context.get(token.key, token.default)
            if not isinstance(value, str):
                return None
            resolved.append(value)
        else:
            resolved.append(token)
    return tuple(resolved)


class Syntax(Enum):
    """How a pattern reads the text it is compared with."""

    TEXT = "text"
    TEXT_IGNORING_CASE = "text ignoring case"
    ARN = "arn"


class Patterns:
    """Several policy values, of which one has to match; compiled once."""

    def __init__(self, values: Iterable[tuple[Token, ...]], syntax: Syntax = Syntax.TEXT) -> None:
        self._syntax = syntax
        fixed: list[tuple[ResolvedToken, ...]] = []
        self._with_variables: list[tuple[Token, ...]] = []
        for tokens in values:
            resolved = _without_variables(tokens)
            if resolved is None:
                self._with_variables.append(tokens)
            else:
                fixed.append(resolved)
        alternatives = "|".join(_expression(tokens, syntax) for tokens in fixed)
        self._fixed = _compiled(alternatives, syntax) if fixed else None

    def match(self, value: str, context: Context) -> bool:
        """Whether any of the values matches."""
        if self._fixed is not None and self._fixed.fullmatch(value):
            return True
        for tokens in self._with_variables:
            resolved = resolve(tokens, context)
            if resolved is not None and _match_resolved(resolved, self._syntax, value):
                return True
        return False


def _without_variables(tokens: tuple[Token, ...]) -> tuple[ResolvedToken, ...] | None:
    resolved = [token for token in tokens if not isinstance(token, Variable)]
    return tuple(resolved) if len(resolved) == len(tokens) else None


def _match_resolved(tokens: tuple[ResolvedToken, ...], syntax: Syntax, value: str) -> bool:
    return _compiled_tokens(tokens, syntax).fullmatch(value) is not None


@lru_cache(maxsize=4096)
def _compiled_tokens(tokens: tuple[ResolvedToken, ...], syntax: Syntax) -> re.Pattern[str]:
    return _compiled(_expression(tokens, syntax), syntax)


def _compiled(expression: str, syntax: Syntax) -> re.Pattern[str]:
    ignore_case = re.IGNORECASE if syntax is Syntax.TEXT_IGNORING_CASE else re.NOFLAG
    return re.compile(expression, re.DOTALL | ignore_case)


def _expression(tokens: tuple[ResolvedToken, ...], syntax: Syntax) -> str:
    if syntax is not Syntax.ARN:
        return _wildcard_expression(tokens, ".")
    *components, resource = arn_components(tokens)
    if len(components) != ARN_COMPONENTS - 1:
        return NOTHING
    # Only the last of an ARN's six components may hold colons.
    expressions = [_wildcard_expression(component, "[^:]") for component in components]
    return ":".join([*expressions, _wildcard_expression(resource, ".")])


def arn_components(tokens: tuple[ResolvedToken, ...]) -> list[tuple[ResolvedToken, ...]]:
    """Split at the first five colons; fewer components where there are fewer colons."""
    components: list[list[ResolvedToken]] = [[]]
    for token in tokens:
        if isinstance(token, Wildcard):
            components[-1].append(token)
            continue
        first, *rest = token.split(":", ARN_COMPONENTS - len(components))
        components[-1].append(first)
        components += [[text] for text in rest]
    return [tuple(component) for component in components]


def _wildcard_expression(tokens: tuple[ResolvedToken, ...], character: str) -> str:
    """A regular expression in which no ``*`` is tried twice, so that matching stays fast.

    The shortest text in front of a piece is always as good as any longer one, hence the atomic
    groups; only what follows the last ``*`` has to reach the end.
    """
    pieces = [""]
    for token in tokens:
        if token is Wildcard.ANY_TEXT:
            pieces.append("")
        else:
            pieces[-1] += character if isinstance(token, Wildcard) else re.escape(token)
    if len(pieces) == 1:
        return pieces[0]
    first, *middle, last = pieces
    skipped = "".join(f"(?>{character}*?{piece})" for piece in middle)
    return f"{first}{skipped}{character}*{last}"
