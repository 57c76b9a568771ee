"""What DynamoDB refuses of an update because of the types of what it meets.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ministack.services import dynamodb

from localaws.ministack import patches

Token = tuple[str, str]
Value = Mapping[str, Any] | None
Evaluate = Callable[[Sequence[Token], Any, Any, Any], Value]
Path = Sequence[str | int]

_SIGNS = {"PLUS": "+", "MINUS": "-"}


def install() -> None:
    """Look at the operands of SET before MiniStack does, and at the places that it fills."""
    patches.replace(dynamodb, "_eval_set_value", _of_operands_that_fit)
    patches.replace(dynamodb, "_set_at_path", _at_places_that_are_there)


def _of_operands_that_fit(evaluate: Evaluate) -> Evaluate:
    def evaluated(tokens: Sequence[Token], item: Any, values: Any, names: Any) -> Value:
        for operator, kind, operand in _operands(tokens):
            value = evaluated(operand, item, values, names)
            if value is not None and kind not in value:
                raise ValueError(_wrong_type(operator, operand, value))
        return evaluate(tokens, item, values, names)

    return evaluated


def _operands(tokens: Sequence[Token]) -> Iterator[tuple[str, str, Sequence[Token]]]:
    """The operands of a sum or of ``list_append``, with the operator and the type they must have.

    Those in further parentheses come when their value is asked for.
    """
    if len(tokens) < 3:
        return
    while tokens and tokens[0][0] == "LPAREN" and _closes(tokens) == len(tokens) - 1:
        tokens = tokens[1:-1]
    depth = 0
    for number, (kind, _) in enumerate(tokens):
        depth += (kind == "LPAREN") - (kind == "RPAREN")
        if depth == 0 and kind in _SIGNS and number:
            yield _SIGNS[kind], "N", tokens[:number]
            yield _SIGNS[kind], "N", tokens[number + 1 :]
            return
    if len(tokens) > 3 and tokens[0][0] == "IDENT" and tokens[0][1].lower() == "list_append":
        for operand in dynamodb._split_by_comma(tokens[2:-1]):
            yield "list_append", "L", operand


def _closes(tokens: Sequence[Token]) -> int | None:
    """Where the parenthesis that comes first is closed."""
    found: int | None = dynamodb._find_matching_paren(tokens, 0)
    return found


def _wrong_type(operator: str, operand: Sequence[Token], value: Mapping[str, Any]) -> str:
    if len(operand) == 1 and operand[0][0] == "VALUE_REF":
        return (
            "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or"
            f" function: {operator}, operand type: {next(iter(value))}"
        )
    return "An operand in the update expression has an incorrect data type"


def _at_places_that_are_there(put: Callable[..., None]) -> Callable[..., None]:
    def set_at_path(item: Any, path_parts: Path, value: Any) -> None:
        if len(path_parts) > 1 and not _has_room_for(item, path_parts):
            raise ValueError(
                "The document path provided in the update expression is invalid for update"
            )
        put(item, path_parts, value)

    return set_at_path


def _has_room_for(item: Any, path: Path) -> bool:
    """Whether there is a map or a list, by the path's last part; within it, MiniStack looks on."""
    first, second = path[:2]
    held = item["L"] if isinstance(first, int) and "L" in item else item.get("M", item)
    try:
        child = held[first]
    except (KeyError, IndexError, TypeError):
        return False
    return isinstance(child, Mapping) and ("L" if isinstance(second, int) else "M") in child
