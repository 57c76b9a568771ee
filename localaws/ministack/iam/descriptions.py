"""Texts of roles and policies in IAM's XML, as XML writes them.

MiniStack puts them there as they are: one role that is described as ``Q&A`` would make every answer
unreadable that lists it.
"""

from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import iam

from localaws.ministack import patches

FREE_TEXTS = ("Description", "Path", "Arn")
Render = Callable[..., str]


def install() -> None:
    """Escape what MiniStack renders."""
    patches.replace(iam, "_role_xml", lambda render: _escaped(render, iam._roles.get))
    patches.replace(iam, "_managed_policy_xml", lambda render: _escaped(render, iam._lookup_policy))


def _escaped(render: Render, record_of: Callable[[str], Mapping[str, Any] | None]) -> Render:
    def rendered(name: str, *further: Any, **named: Any) -> str:
        xml = render(name, *further, **named)
        record = record_of(name) or {}
        for member in FREE_TEXTS:
            text = str(record.get(member) or "")
            if (written := escape(text)) != text:
                xml = xml.replace(f"<{member}>{text}</{member}>", f"<{member}>{written}</{member}>")
        return xml

    return rendered
