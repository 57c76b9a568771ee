"""What stands against a version's serving, in words."""

from collections.abc import Mapping, Sequence

from fleet.versions import City, State, Version


def objections_to(
    known: Mapping[str, City], versions: Sequence[Version], *, force: bool
) -> dict[str, str]:
    """Why some of these versions may not serve, by city; ``known`` are the cities' items."""
    found = {
        version.city: _problem(known.get(version.city, City(version.city)), version, force=force)
        for version in versions
    }
    return {city: problem for city, problem in found.items() if problem is not None}


def _problem(city: City, version: Version, *, force: bool) -> str | None:
    """Why a version may not serve its city; None where it may."""
    name = f"version {version.number} of {version.city}"
    if city.forgotten:
        return forgotten(city)
    if version.number == city.serving:
        return f"{name} serves already"
    if version.state is State.DELETED:
        return f"{name} is deleted; train the city again"
    if not (version.verdict.may_serve or force):
        return f"{name} was refused by the gate: {'; '.join(version.verdict.reasons)}"
    return None


def forgotten(city: City) -> str:
    """Why nothing of the city may be recorded or serve."""
    return f"{city.city} was forgotten on {(city.forgotten or '')[:10]}; readmit it to go on"


def conflict(city: City) -> str:
    """What the second of two people is told."""
    return f"{city.city}: somebody else changed which version serves; look again"
