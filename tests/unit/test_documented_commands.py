"""Every command that the documentation shows has the subcommands, options and targets it names."""

import re
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from fleet.names import STACKS
from localaws.__main__ import make_parser
from scripts.housing import command as housing

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *("README.md", "CONTRIBUTING.md", "constructs/sagemaker_mme/README.md", "localaws/README.md"),
    *sorted(str(file.relative_to(ROOT)) for file in (ROOT / "docs").glob("*.md")),
]
PROGRAMS = ("housing", "localaws", "make", "python", "cdk")
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`]+)`")
_STACK = re.compile(r"housing-(?:<stage>|[a-z]+)-([a-z]+)")


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command of ours, in blocks of shell lines and between backquotes."""
    for language, block in _BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if language in ("", "bash"):
                yield from _words(line)
    for span in _INLINE.findall(_BLOCK.sub("", text)):
        if span.startswith(PROGRAMS):
            yield from _words(" ".join(span.split()).replace("\\|", "|"))


def _words(line: str) -> Iterator[list[str]]:
    try:
        words = shlex.split(re.sub(r'"?\$\((.*)\)"?', r"; \1 ;", line), comments=True)
    except ValueError:  # a line of something else than a shell
        return
    part: list[str] = []
    for word in [*words, ";"]:
        if word in ("&&", "|", ";", "||", ">"):
            part = part[1:] if part[:1] == ["npx"] else part
            if len(part) > 1 and part[0] in PROGRAMS and not {"…", "──"} & set(part):
                yield part
            part = []
        else:
            ends = word.endswith(";")
            part.append(word.removesuffix(";"))
            if ends:
                yield from _words(shlex.join(part))
                part = []


def problem(words: list[str]) -> str | None:
    """What a command of the documentation names that is not there."""
    program, *arguments = words
    match program:
        case "housing":
            return problem_of_housing(arguments)
        case "localaws":
            return problem_of_localaws(arguments)
        case "make":
            targets = [word for word in arguments if "=" not in word]
            return next((f"no target {t}" for t in targets if t not in TARGETS), None)
        case "python" if arguments[:1] == ["-m"]:
            return None if find_spec(arguments[1]) else f"no module {arguments[1]}"
        case "cdk":
            stacks = _STACK.findall(" ".join(arguments))
            known = (*STACKS, "delivery")
            return next((f"no stack {name}" for name in stacks if name not in known), None)
    return None


def problem_of_housing(arguments: list[str]) -> str | None:
    """What click says of options and arguments; what they hold is not looked at."""
    found: click.Command = housing
    context = click.Context(found)
    while isinstance(found, click.Group) and arguments and not arguments[0].startswith("-"):
        name, *arguments = arguments
        inner = found.get_command(context, name)
        if inner is None:
            return f"no command {name}"
        found = inner
    try:
        _, left, _ = found.make_parser(click.Context(found)).parse_args(list(arguments))
    except click.NoSuchOption as error:
        return error.format_message()
    except click.BadOptionUsage:  # an option is named in a sentence, without a value
        return None
    return f"{found.name} takes no {left[0]}" if left else None


def problem_of_localaws(arguments: list[str]) -> str | None:
    """What argparse says; of a command that is named in a sentence, whether it exists."""
    try:
        make_parser().parse_args(arguments if arguments[1:] else [*arguments, "--help"])
    except SystemExit as error:
        return "see the usage" if error.code else None
    return None


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_tells_to_type_exists(document: str) -> None:
    found = list(commands((ROOT / document).read_text(encoding="utf-8")))
    problems = [f"{shlex.join(words)}: {why}" for words in found if (why := problem(words))]
    assert problems == []


def test_all_documents_together_show_most_of_the_commands() -> None:
    texts = [(ROOT / document).read_text(encoding="utf-8") for document in DOCUMENTS]
    shown = {tuple(words[:2]) for text in texts for words in commands(text)}
    names = {name for program, *rest in shown if program == "housing" for name in rest}
    assert names >= set(housing.list_commands(click.Context(housing)))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("housing predikt --city X", "no command predikt"),
        ("housing predict --citty X", "No such option '--citty'. Did you mean '--city'?"),
        ("housing models show X Y", "show takes no Y"),
        ("npx cdk synth -q && housing access-check --lively", "No such option '--lively'."),
        ('eval "$(localaws environment)"', "see the usage"),
        ("make demoo", "no target demoo"),
        ("cdk deploy housing-dev-storrage", "no stack storrage"),
    ],
)
def test_what_does_not_exist_is_found(line: str, why: str) -> None:
    said = [problem(words) for words in commands(f"```bash\n{line}\n```\n")]
    assert any((each or "").startswith(why) for each in said), said
