"""The names under which Application Auto Scaling's targets and policies are kept."""

from localaws.backend import Scope
from localaws.control_plane.resources import Request
from localaws.control_plane.store import ResourceStore

TARGET = "scalable-target"
POLICY = "scaling-policy"


def target_name(request: Request) -> str:
    """The name of a scalable target: resource, dimension and service."""
    return f"{request['ResourceId']}|{request['ScalableDimension']}|{request['ServiceNamespace']}"


def policy_name(request: Request) -> str:
    """The name of a scaling policy: its target's and its own."""
    return f"{target_name(request)}|{request['PolicyName']}"


def scaled_variants(store: ResourceStore, scope: Scope, endpoint_name: str) -> set[str]:
    """The variants of an endpoint that are registered as scalable targets."""
    prefix = f"endpoint/{endpoint_name}/variant/".lower()
    return {
        target["ResourceId"].rpartition("/")[2]
        for target in store.list(TARGET, scope)
        if target["ResourceId"].lower().startswith(prefix)
    }
