"""Patterns of target models, as IAM's ``StringLike`` reads them."""

import re
from collections.abc import Iterator, Sequence

from sagemaker_mme.problems import is_token

CONDITION_KEY = "sagemaker:TargetModel"
WAYS_AROUND = (
    "sagemaker:InvokeEndpointAsync",
    "sagemaker:InvokeEndpointWith*",
    "sts:AssumeRole",
    "sts:TagSession",
)
"""What reaches models without naming a target model, or as another role."""
MAX_LENGTH = 1024
_POLICY_VARIABLE = re.compile(r"\$\{[^}]*\}")
_FOLDER = re.compile(rf"(?:{_POLICY_VARIABLE.pattern}|[^/])*")
_WILDCARD = re.compile(r"[*?]")


def pattern_problems(patterns: Sequence[str], *, allow_wide: bool) -> Iterator[str]:
    """Why an invoker may not be given ``patterns``.

    ``*`` stands for any characters, the slash included, so ``NewYork*`` also allows
    ``NewYorkshire/x.tar.gz``. A pattern is narrow when a slash comes before its first wildcard.
    """
    if not patterns:
        yield "target_models is empty; name at least one, such as 'NewYork_NY/*'"
    for pattern in patterns:
        if is_token(pattern):
            continue
        if not pattern or len(pattern) > MAX_LENGTH or not pattern.isprintable():
            yield f"target model {pattern!r} is not 1 to {MAX_LENGTH} printable characters"
        elif pattern[0] in " /":
            yield f"target model '{pattern}' starts with '{pattern[0]}', which no model key does"
        elif not allow_wide and _is_wide(pattern):
            yield (
                f"target model '{pattern}' has a wildcard before its first slash and so matches"
                " more folders than one; write 'Folder/*', or pass allow_wide=True if that is meant"
            )


def folder_of(pattern: str) -> str:
    """The pattern of the folders that a pattern's target models are in."""
    found = _FOLDER.match(pattern)
    return found[0] if found else pattern


def has_wildcard(pattern: str) -> bool:
    """Whether a pattern matches more than one text, the values of policy variables aside."""
    return _WILDCARD.search(_POLICY_VARIABLE.sub("x", pattern)) is not None


def _is_wide(pattern: str) -> bool:
    literal_variables = _POLICY_VARIABLE.sub("x", pattern)
    first_wildcard = _WILDCARD.search(literal_variables)
    return first_wildcard is not None and "/" not in literal_variables[: first_wildcard.start()]
