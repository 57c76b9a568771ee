"""Parameters of Systems Manager: their versions, labels and policies as on AWS.

A parameter keeps 100 versions, so that saving and starting do not get slower with use:
https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-labels.html
"""

import json
import re
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import ssm

from localaws.ministack import patches

VERSIONS = 100
Json = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[[Json], Answer]
_LABEL = re.compile(r"(?!aws|ssm|\d)[A-Za-z0-9_.-]{1,100}", re.IGNORECASE | re.ASCII)


def install() -> None:
    """Replace MiniStack's functions."""
    patches.replace(ssm, "_put_parameter", _with_few_versions)
    patches.replace(ssm, "_label_parameter_version", _with_right_labels)
    for name in ("_describe_parameters", "_get_parameter_history"):
        patches.replace(ssm, name, _with_policies_in_parts)


def _with_few_versions(put: Handler) -> Handler:
    def answer(data: Json) -> Answer:
        name = data.get("Name", "")
        history = ssm._parameter_history.get(name) or []
        if len(history) >= VERSIONS and history[0].get("Labels") and data.get("Overwrite"):
            refusal: Answer = error_response_json(
                "ParameterMaxVersionLimitExceeded",
                f"You attempted to create a new version of {name} by calling the PutParameter API"
                f" with the overwrite flag. Version {history[0]['Version']}, the oldest version,"
                " can't be deleted because it has a label associated with it. Move the label to"
                " another version of the parameter, and try again.",
                400,
            )
            return refusal
        said = put(data)
        del ssm._parameter_history.get(name, [])[:-VERSIONS]
        return said

    return answer


def _with_right_labels(label: Handler) -> Handler:
    """Labels that are not allowed are told of in the answer; the others are attached."""

    def answer(data: Json) -> Answer:
        right = [name for name in data["Labels"] if _LABEL.fullmatch(name)]
        wrong = [name for name in data["Labels"] if name not in right]
        said = label({**data, "Labels": right})
        if not wrong:
            return said
        return _changed(said, lambda content: content["InvalidLabels"].extend(wrong))

    return answer


def _with_policies_in_parts(describe: Handler) -> Handler:
    """Policies are put as one text, and described one by one."""

    def split(content: Json) -> None:
        for parameter in content["Parameters"]:
            policies = parameter.get("Policies")
            if isinstance(policies, str):
                parameter["Policies"] = [
                    {
                        "PolicyText": json.dumps(policy),
                        "PolicyType": policy["Type"],
                        "PolicyStatus": "Pending",
                    }
                    for policy in json.loads(policies)
                ]

    return lambda data: _changed(describe(data), split)


def _changed(said: Answer, change: Callable[[Json], None]) -> Answer:
    if said[0] != 200:
        return said
    content = json.loads(said[2])
    change(content)
    answer: Answer = json_response(content)
    return answer
