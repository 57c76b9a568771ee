"""What is kept of the past is limited, so that saving and starting do not get slower with use.

A parameter keeps 100 versions, as on AWS:
https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html
Of deleted stacks, which AWS lists for 90 days, the newest are kept.
"""

from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import ssm

from localaws.ministack import patches

VERSIONS = 100
DELETED_STACKS = 500
"""Of an account in a region."""

Handler = Callable[[dict[str, Any]], Any]


def install() -> None:
    """Replace what puts parameters."""
    patches.replace(ssm, "_put_parameter", _with_few_versions)


def _with_few_versions(put: Handler) -> Handler:
    def put_parameter(data: dict[str, Any]) -> Any:
        history = ssm._parameter_history.get(data.get("Name", "")) or []
        if len(history) >= VERSIONS and history[0].get("Labels") and data.get("Overwrite"):
            return error_response_json(
                "ParameterMaxVersionLimitExceeded",
                f"You attempted to create a new version of {data['Name']} by calling the"
                " PutParameter API with the overwrite flag. Version"
                f" {history[0]['Version']}, the oldest version, can't be deleted because it has a"
                " label associated with it. Move the label to another version of the parameter,"
                " and try again.",
                400,
            )
        answer = put(data)
        del ssm._parameter_history.get(data.get("Name", ""), [])[:-VERSIONS]
        return answer

    return put_parameter


def forget_deleted_stacks() -> None:
    """Forget the oldest deleted stacks of the scope, with their events; on the event loop."""
    from ministack.services import cloudformation

    scope = (get_account_id(), get_region())
    deleted = [
        (key, stack["StackId"])
        for key, stack in cloudformation._stacks._data.items()
        if key[:2] == scope and stack["StackStatus"] == "DELETE_COMPLETE"
    ]
    for key, stack_id in deleted[:-DELETED_STACKS]:
        cloudformation._stacks._data.pop(key, None)
        cloudformation._stack_events._data.pop((*scope, stack_id), None)
