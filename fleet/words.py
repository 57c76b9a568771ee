"""Numbers and nouns as people read them."""

from collections.abc import Iterable
from difflib import get_close_matches


def significant(number: float) -> str:
    """``13,053`` and ``0.4219``."""
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def plural(word: str) -> str:
    """``cities`` of ``city``, ``days`` of ``day``, ``branches`` of ``branch``."""
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"


def counted(number: int, word: str) -> str:
    """``1 city``, ``2 cities``."""
    return f"{number:,} {word if number == 1 else plural(word)}"


def with_unit(name: str, unit: str) -> str:
    """The title of a column of numbers: ``error $``."""
    return f"{name} {unit}".rstrip()


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The known names that somebody may have meant, whatever their case; the likeliest first."""
    spellings = {each.casefold(): each for each in known}
    return [spellings[found] for found in get_close_matches(name.casefold(), spellings)]
