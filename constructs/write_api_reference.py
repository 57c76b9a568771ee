"""Writes ``API.md`` from the docstrings of what ``sagemaker_mme`` exports.

example: python constructs/write_api_reference.py
"""

import enum
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sagemaker_mme
from sagemaker_mme import nag_pack

REFERENCE = Path(__file__).with_name("API.md")
HEAD = """# API reference of sagemaker_mme

Written from the docstrings by `write_api_reference.py`. Props are keywords.
"""


def reference() -> str:
    """The whole text."""
    exported = [getattr(sagemaker_mme, name) for name in sorted(sagemaker_mme.__all__)]
    parts = [HEAD, *(text for thing in exported for text in _entry(thing))]
    parts += ["# sagemaker_mme.nag_pack\n", *_entry(nag_pack.MultiModelChecks)]
    return "\n".join(parts)


def _entry(thing: Any) -> Iterator[str]:
    yield f"## {thing.__name__}\n"
    if not inspect.isclass(thing):
        yield _called(thing)
        yield _text(thing)
        return
    yield _text(thing)
    if issubclass(thing, enum.Enum):
        yield "\n".join(f"- `{member.name}`" for member in thing) + "\n"
        return
    for name, member in _members(thing):
        if isinstance(member, property):
            yield f"### {thing.__name__}.{name}\n\n{_text(member)}"
        else:
            function = member.__func__ if isinstance(member, staticmethod) else member
            yield f"### {thing.__name__}.{name}\n\n{_called(function)}\n{_text(function)}"


def _members(thing: type) -> Iterator[tuple[str, Any]]:
    """What the library itself defines, in the order of the source; inherited parts too."""
    seen: dict[str, Any] = {}
    for base in reversed(thing.__mro__):
        if base.__module__.startswith("sagemaker_mme"):
            seen |= {name: member for name, member in vars(base).items() if name[0] != "_"}
    for name, member in seen.items():
        is_code = inspect.isfunction(member) or isinstance(member, property | staticmethod)
        if is_code and name not in dir(object):
            yield name, member


def _called(function: Any) -> str:
    """How a function is called, without its types: the docstring says what is meant."""
    names = [
        name if parameter.kind is not parameter.KEYWORD_ONLY else f"{name}="
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self"
    ]
    return f"```text\n{function.__name__}({', '.join(names)})\n```\n"


def _text(thing: Any) -> str:
    """A numpydoc docstring as Markdown: its parameters as a list."""
    doc = inspect.cleandoc(inspect.getdoc(thing) or "")
    lines: list[str] = []
    inside = False
    for line in doc.splitlines():
        if re.fullmatch(r"-{3,}", line):
            lines[-1] = f"**{lines[-1]}**\n"
            inside = True
        elif inside and line and not line.startswith(" "):
            lines.append(f"- `{line}`" if not _is_heading(line) else line)
        else:
            lines.append(line)
    return "\n".join(lines).replace("``", "`").rstrip() + "\n"


def _is_heading(line: str) -> bool:
    return line in ("Parameters", "Raises", "Returns")


if __name__ == "__main__":
    REFERENCE.write_text(reference())
