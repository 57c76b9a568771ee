"""Reads queries and runs them.

Understood are fields, display, filter, parse, stats, sort and limit, with fields as they are: no
arithmetic and none of the functions that work on single values.
"""

import re
from dataclasses import dataclass, replace

from localaws.ministack.cloudwatch.log_insights.commands import (
    Aggregate,
    Command,
    Filter,
    Group,
    Limit,
    Parse,
    Sort,
    Stats,
)
from localaws.ministack.cloudwatch.log_insights.rows import (
    Compare,
    Condition,
    Either,
    Every,
    IsPresent,
    Like,
    Not,
    Row,
    Value,
)
from localaws.ministack.cloudwatch.log_insights.tokens import MalformedQueryError, Token, tokenize
from localaws.patterns import Pattern, PatternError

DEFAULT_FIELDS = ("@timestamp", "@message", "@logStream", "@log")
DEFAULT_LIMIT = 10_000
AGGREGATES = ("count", "count_distinct", "sum", "avg", "min", "max", "pct")
MOST_BIN_SECONDS = 100 * 365 * 86_400
BIN_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True)
class Query:
    """A query that can be run; ``fields`` are the columns of its result."""

    commands: tuple[Command, ...] = ()
    fields: tuple[str, ...] = DEFAULT_FIELDS

    def run(self, rows: list[Row], limit: int = DEFAULT_LIMIT) -> list[Row]:
        """Apply all commands; the rows still hold fields that are not columns."""
        for command in self.commands:
            rows = command.apply(rows)
        return rows[:limit]


def parse_query(text: str) -> Query:
    """Read a query.

    Raises
    ------
    MalformedQueryError
    """
    reader = _Reader(list(tokenize(text)))
    query = Query()
    try:
        while True:
            query = _command(reader, query)
            if reader.accept("|") is None:
                break
    except RecursionError:
        raise MalformedQueryError("the conditions of the query nest too deeply") from None
    reader.expect_end()
    return query


class _Reader:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._position = 0

    @property
    def next(self) -> Token:
        return self._tokens[self._position]

    def take(self) -> Token:
        token = self.next
        self._position += token.kind != "end"
        return token

    def accept(self, *words: str) -> Token | None:
        return self.take() if self.next.is_word(*words) else None

    def expect(self, word: str) -> None:
        if self.accept(word) is None:
            raise self.unexpected(repr(word))

    def expect_end(self) -> None:
        if self.next.kind != "end":
            raise self.unexpected("'|' or the end")

    def name(self) -> str:
        if self.next.kind != "name":
            raise self.unexpected("a field")
        return self.take().text

    def number(self) -> float:
        if self.next.kind != "number":
            raise self.unexpected("a number")
        return float(self.take().text)

    def unexpected(self, wanted: str) -> MalformedQueryError:
        found = repr(self.next.text) if self.next.kind != "end" else "the end of the query"
        return MalformedQueryError(f"{wanted} is expected where {found} stands")


def _command(reader: _Reader, query: Query) -> Query:
    word = reader.take().text.lower()
    match word:
        case "fields" | "display":
            return replace(query, fields=tuple(_names(reader)))
        case "filter":
            return _with(query, Filter(_either(reader)))
        case "parse":
            return _with(query, _parse(reader))
        case "stats":
            stats = _stats(reader)
            columns = (*(g.name for g in stats.groups), *(a.name for a in stats.aggregates))
            return replace(_with(query, stats), fields=columns)
        case "sort":
            name = reader.name()
            order = reader.accept("asc", "desc")
            descending = order is not None and order.is_word("desc")
            return _with(query, Sort(name, descending))
        case "limit":
            return _with(query, Limit(_limit(reader)))
    raise MalformedQueryError(
        f"{word!r} is no command that runs here; "
        "these do: display, fields, filter, limit, parse, sort, stats"
    )


def _limit(reader: _Reader) -> int:
    count = reader.number()
    if not 1 <= count <= DEFAULT_LIMIT or not count.is_integer():
        raise MalformedQueryError(f"limit is {count:g}; allowed are 1 to {DEFAULT_LIMIT}")
    return int(count)


def _with(query: Query, command: Command) -> Query:
    return replace(query, commands=(*query.commands, command))


def _names(reader: _Reader) -> list[str]:
    names = [reader.name()]
    while reader.accept(","):
        names.append(reader.name())
    return names


def _parse(reader: _Reader) -> Parse:
    source = reader.name()
    pattern = reader.take()
    if pattern.kind == "regex":
        return Parse(source, _regex(pattern))
    if pattern.kind != "string":
        raise MalformedQueryError('parse needs a "pattern with *" or a /regular expression/')
    reader.expect("as")
    names = _names(reader)
    literals = pattern.text.split("*")
    if len(names) != len(literals) - 1:
        raise MalformedQueryError(
            f"parse has {len(literals) - 1} wildcards but {len(names)} names: {', '.join(names)}"
        )
    # A wildcard ends where the text after it begins; the last one takes the rest.
    groups = [f"(.*{'?' if literal else ''}){re.escape(literal)}" for literal in literals[1:]]
    text = "(?s)" + re.escape(literals[0]) + "".join(groups)
    return Parse(source, _compiled(text), tuple(names))


def _stats(reader: _Reader) -> Stats:
    aggregates = [_aggregate(reader)]
    while reader.accept(","):
        aggregates.append(_aggregate(reader))
    groups = []
    if reader.accept("by"):
        groups.append(_group(reader))
        while reader.accept(","):
            groups.append(_group(reader))
    return Stats(tuple(aggregates), tuple(groups))


def _aggregate(reader: _Reader) -> Aggregate:
    function = reader.name().lower()
    if function not in AGGREGATES:
        raise MalformedQueryError(f"{function!r} is none of {', '.join(AGGREGATES)}")
    reader.expect("(")
    of = None
    if reader.accept("*") is None and not reader.next.is_word(")"):
        of = reader.name()
    percentile = 50.0
    if function == "pct":
        reader.expect(",")
        percentile = reader.number()
        if not 0 <= percentile <= 100:
            raise MalformedQueryError(f"pct has the percentile {percentile:g}; allowed: 0 to 100")
    reader.expect(")")
    shown = of or "*"
    default = f"pct({shown}, {percentile:g})" if function == "pct" else f"{function}({shown})"
    name = reader.name() if reader.accept("as") else default
    return Aggregate(name, function, of, percentile)


def _group(reader: _Reader) -> Group:
    name = reader.name()
    if name.lower() != "bin" or reader.accept("(") is None:
        return Group(name)
    count = reader.number()
    unit = reader.name().lower()
    if unit not in BIN_SECONDS:
        raise MalformedQueryError(f"bin has the unit {unit!r}; allowed are s, m, h, d")
    reader.expect(")")
    if not 0 < count * BIN_SECONDS[unit] <= MOST_BIN_SECONDS:
        raise MalformedQueryError(f"bin has the period {count:g}{unit}; it must be above 0")
    return Group(f"bin({count:g}{unit})", count * BIN_SECONDS[unit])


def _either(reader: _Reader) -> Condition:
    conditions = [_every(reader)]
    while reader.accept("or"):
        conditions.append(_every(reader))
    return conditions[0] if len(conditions) == 1 else Either(tuple(conditions))


def _every(reader: _Reader) -> Condition:
    conditions = [_condition(reader)]
    while reader.accept("and"):
        conditions.append(_condition(reader))
    return conditions[0] if len(conditions) == 1 else Every(tuple(conditions))


def _condition(reader: _Reader) -> Condition:
    if reader.accept("not"):
        return Not(_condition(reader))
    if reader.accept("("):
        condition = _either(reader)
        reader.expect(")")
        return condition
    name = reader.name()
    if name.lower() == "ispresent" and reader.accept("("):
        present = IsPresent(reader.name())
        reader.expect(")")
        return present
    negated = reader.accept("not") is not None
    if reader.accept("like"):
        like = Like(name, _like_pattern(reader))
        return Not(like) if negated else like
    comparison = reader.accept("=", "!=", "<", "<=", ">", ">=")
    if comparison is None or negated:
        raise reader.unexpected("a comparison or like")
    return Compare(name, comparison.text, _value(reader))  # type: ignore[arg-type]  # as accepted


def _like_pattern(reader: _Reader) -> Pattern:
    token = reader.take()
    if token.kind == "string":
        return _compiled(re.escape(token.text))
    if token.kind == "regex":
        return _regex(token)
    raise MalformedQueryError('like needs a "text" or a /regular expression/')


def _regex(token: Token) -> Pattern:
    text, _, flags = token.text[1:].rpartition("/")
    return _compiled(text, ignore_case=bool(flags))


def _compiled(text: str, *, ignore_case: bool = False) -> Pattern:
    try:
        return Pattern(text, ignore_case=ignore_case)
    except PatternError as error:
        raise MalformedQueryError(f"/{text}/ is no regular expression: {error}") from None


def _value(reader: _Reader) -> Value:
    token = reader.take()
    if token.kind == "number":
        return float(token.text)
    if token.kind == "string":
        return token.text
    raise MalformedQueryError(f'a number or "text" is expected where {token.text!r} stands')
