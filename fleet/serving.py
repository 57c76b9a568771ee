"""Which version answers for a city now: what serves, if the endpoint runs its preprocessor.

All models behind an endpoint share one preprocessor, which a deployment changes. Until then the
versions that were trained with a new one wait, and those from before go on.
"""

from dataclasses import dataclass

from fleet.names import entity_key
from fleet.registry_reader import RegistryError, RegistryReader
from fleet.versions import City, State, Version
from fleet.words import nearest

SHOWN = 10
"""Cities that are proposed for one that is not there."""


@dataclass(frozen=True)
class Choice:
    """The version to invoke; ``waiting`` is what would serve with the preprocessor deployed."""

    version: Version | None
    waiting: Version | None = None


def serving_version(registry: RegistryReader, city: str, preprocessor_url: str | None) -> Choice:
    """The version that serves a city behind an endpoint with this preprocessor.

    Parameters
    ----------
    registry
        Of the stage.
    city
        Its name or key.
    preprocessor_url
        What the endpoint runs.

    Raises
    ------
    RegistryError
        No version of the city serves, or the city was forgotten.
    """
    item = registry.city(entity_key(city))
    if item is None or item.serving is None:
        if item is not None and item.forgotten:
            raise RegistryError(f"{city} was forgotten on {item.forgotten[:10]}")
        titles = [known.title for known in registry.cities() if known.serving]
        raise RegistryError(f"no model of {city} serves; {proposed(city, titles)}")
    versions = {version.number: version for version in registry.versions(item.city)}
    serving = versions[item.serving]
    if serving.fits(preprocessor_url):
        return Choice(serving)
    fitting = [
        version
        for version in versions.values()
        if version.state is State.RETIRED
        and not version.withdrawn
        and version.fits(preprocessor_url)
    ]
    return Choice(max(fitting, key=lambda version: version.number, default=None), waiting=serving)


def known_city(registry: RegistryReader, city: str) -> City:
    """What the registry says of a city, by its name or key.

    Raises
    ------
    RegistryError
        It does not have it.
    """
    item = registry.city(entity_key(city))
    if item is None:
        titles = [known.title for known in registry.cities()]
        raise RegistryError(f"the registry does not have {city}; {proposed(city, titles)}")
    return item


def proposed(city: str, titles: list[str]) -> str:
    """What somebody may have meant, or the first that there are."""
    if alike := nearest(city, titles):
        return f"did you mean {' or '.join(alike)}?"
    more = len(titles) - SHOWN
    shown = ", ".join(titles[:SHOWN]) or "none yet"
    return f"there are {shown}" + (f" and {more:,} more" if more > 0 else "")


def numbered_version(
    registry: RegistryReader, city: str, number: int, preprocessor_url: str | None
) -> Choice:
    """One version by its number.

    Raises
    ------
    RegistryError
        Where its model is not to be had.
    """
    version = registry.version(entity_key(city), number)
    if version.promoted is None or version.state is State.DELETED:
        raise RegistryError(
            f"version {number} of {city} is {version.state}; only what served is where the"
            " endpoint finds it"
        )
    return Choice(version) if version.fits(preprocessor_url) else Choice(None, waiting=version)
