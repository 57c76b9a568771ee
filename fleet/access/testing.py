"""For tests of other repositories: their templates give the access that is expected, and no more.

from fleet.access.testing import assert_access

def test_the_partner_reaches_boston_alone():
    assert_access("cdk.out", {"Houses/Partner/*": ["Boston_MA/*"], "Houses/Ops/*": ["*"]})
"""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

from fleet.access.foreign import audit_templates

PROBLEMS_SHOWN = 50


def assert_access(
    folder: str | PathLike[str],
    expected: Mapping[str, Sequence[str]],
    *,
    models: Sequence[str] = (),
) -> None:
    """Fail with a line for each role that may invoke more, or less, than is expected of it.

    Every role of the templates is asked. One that is not named must not be able to invoke at all.

    Parameters
    ----------
    folder
        Of synthesized templates: ``cdk.out``, or ``app.synth().directory``.
    expected
        By role, patterns of the target models that it may invoke: ``["Boston_MA/*"]``; ``["*"]``
        may do as it likes. A role is told by its construct's path or its logical id, in which ``*``
        and ``?`` may stand.
    models
        More target models to ask about.

    Raises
    ------
    AssertionError
        Something is not as expected.
    fleet.errors.HousingError
        The templates are missing, or hold what cannot be resolved.
    """
    problems = audit_templates(Path(folder), expected, models).problems
    if problems:
        shown = list(problems[:PROBLEMS_SHOWN])
        if len(problems) > len(shown):
            shown.append(f"and {len(problems) - len(shown):,} more")
        raise AssertionError("\n".join([f"{len(problems)} differences", *shown]))
