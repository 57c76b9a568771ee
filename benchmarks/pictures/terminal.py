"""What a command showed on its terminal as an SVG whose text can be selected."""

import io
import re

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from localaws.testing.terminal import Shown

_LOADED_FONTS = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)
"""From a server that whoever looks at a picture need not ask."""


def draw(shown: Shown, title: str, columns: int) -> str:
    """The lines that are left on the screen, as they looked."""
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True)
    for line in shown.lines:
        console.print(Text.from_ansi(line), soft_wrap=False, overflow="fold")
    form = _LOADED_FONTS.sub("", CONSOLE_SVG_FORMAT).replace("Fira Code", "ui-monospace, Menlo")
    svg = console.export_svg(title=title, code_format=form)
    return "".join(line.rstrip() + "\n" for line in svg.splitlines())
