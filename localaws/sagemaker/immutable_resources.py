"""Resources that nothing changes between their creation and their deletion."""

from typing import Any

from localaws.backend import Scope
from localaws.sagemaker.listing import Listing
from localaws.sagemaker.resources import (
    Request,
    ResourceFamily,
    Response,
    arn,
    now,
    validation_exception,
)
from localaws.sagemaker.store import ResourceStore
from localaws.sagemaker.tags import Tags


class ImmutableResources(ResourceFamily):
    """Creates, finds, lists and deletes the resources of one kind, by name whatever its case.

    Attributes
    ----------
    kind
        As it stands in ARNs, for example ``endpoint-config``.
    prefix
        Of the members that name one, for example ``EndpointConfig``.
    words
        What SageMaker's messages call one, for example ``endpoint configuration``.
    """

    kind: str
    prefix: str
    words: str

    def __init__(self, store: ResourceStore, tags: Tags) -> None:
        self._store = store
        self._tags = tags
        self._name, self._arn = f"{self.prefix}Name", f"{self.prefix}Arn"
        self._listing = Listing(member=f"{self.prefix}s", name=self._name)

    def find(self, scope: Scope, name: str) -> dict[str, Any]:
        """The resource of this name.

        Raises
        ------
        AwsError
            When there is none.
        """
        found = self._store.get(self.kind, scope, name.lower())
        if found is None:
            known = arn(scope, self.kind, name)
            raise validation_exception(f'Could not find {self.words} "{known}".')
        return found

    def _describe(self, scope: Scope, request: Request) -> Response:
        return self.find(scope, request[self._name])

    def _create(self, scope: Scope, request: Request, members: dict[str, Any]) -> Response:
        """Keep the request with other members on top, unless the name is taken."""
        name = request[self._name]
        own_arn = arn(scope, self.kind, name)
        kept = {key: value for key, value in request.items() if key != "Tags"}
        created = {**kept, self._arn: own_arn, "CreationTime": now(), **members}
        if not self._store.add(self.kind, scope, name.lower(), created):
            raise validation_exception(f'Cannot create already existing {self.words} "{own_arn}".')
        self._tags.create(scope, own_arn, request)
        return {self._arn: own_arn}

    def _list(self, scope: Scope, request: Request) -> Response:
        members = (self._name, self._arn, "CreationTime")
        found = self._store.list(self.kind, scope)
        return self._listing.page([{key: one[key] for key in members} for one in found], request)

    def _delete(self, scope: Scope, request: Request) -> Response:
        found = self.find(scope, request[self._name])
        self._store.delete(self.kind, scope, request[self._name].lower())
        self._tags.forget(scope, found[self._arn])
        return {}
