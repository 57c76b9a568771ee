"""Which version answers for a city now: what serves, if the endpoint runs its preprocessor.

All models behind an endpoint share one preprocessor, which a deployment changes. Until then the
versions that were trained with a new one wait, and those from before go on.
"""

from dataclasses import dataclass

from fleet.names import check_entity
from fleet.registry import Registry, RegistryError
from fleet.versions import State, Version


@dataclass(frozen=True)
class Choice:
    """The version to invoke; ``waiting`` is what would serve with the preprocessor deployed."""

    version: Version | None
    waiting: Version | None = None


def serving_version(registry: Registry, city: str, preprocessor_url: str | None) -> Choice:
    """The version that serves a city behind an endpoint with this preprocessor.

    Raises
    ------
    RegistryError
        No version of the city serves, or the city was forgotten.
    """
    item = registry.city(check_entity(city))
    if item is None or item.serving is None:
        if item is not None and item.forgotten:
            raise RegistryError(f"{city} was forgotten on {item.forgotten[:10]}")
        cities = [known.city for known in registry.cities() if known.serving]
        shown = ", ".join(cities[:10]) + (f" and {len(cities) - 10} more" if cities[10:] else "")
        raise RegistryError(f"no model of {city} serves; cities that have one: {shown or 'none'}")
    versions = {version.number: version for version in registry.versions(city)}
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


def numbered_version(
    registry: Registry, city: str, number: int, preprocessor_url: str | None
) -> Choice:
    """One version by its number.

    Raises
    ------
    RegistryError
        Where its model is not to be had.
    """
    version = registry.version(check_entity(city), number)
    if version.promoted is None or version.state is State.DELETED:
        raise RegistryError(
            f"version {number} of {city} is {version.state}; only what served is where the"
            " endpoint finds it"
        )
    return Choice(version) if version.fits(preprocessor_url) else Choice(None, waiting=version)
