"""A resource has fifty tags at most, however many calls they come in.

What a resource has is asked of its service, by the operation that lists tags.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from localaws.admission.reading import Call, HttpRequest
from localaws.errors import AwsError
from localaws.ministack.embedding import ServiceHandler

MOST_TAGS = 50


@dataclass(frozen=True)
class Tagging:
    """How a service is asked for the tags of what an operation tags.

    ``names`` are the parameters that say which resource; ``member`` is where the new tags are.
    """

    lists: str
    names: tuple[str, ...]
    code: str
    member: str = "Tags"
    status: int = 400


_OPERATIONS: Mapping[tuple[str, str], Tagging] = {
    ("cloudwatch", "TagResource"): Tagging(
        "ListTagsForResource", ("ResourceARN",), "InvalidParameterValue"
    ),
    ("dynamodb", "TagResource"): Tagging(
        "ListTagsOfResource", ("ResourceArn",), "ValidationException"
    ),
    ("events", "TagResource"): Tagging(
        "ListTagsForResource", ("ResourceARN",), "LimitExceededException"
    ),
    **{
        ("iam", f"Tag{kind}"): Tagging(f"List{kind}Tags", (name,), "LimitExceeded", status=409)
        for kind, name in (("Role", "RoleName"), ("User", "UserName"), ("Policy", "PolicyArn"))
    },
    ("kms", "TagResource"): Tagging("ListResourceTags", ("KeyId",), "LimitExceededException"),
    ("lambda", "TagResource"): Tagging(
        "/2017-03-31/tags/", ("Resource",), "InvalidParameterValueException"
    ),
    ("logs", "TagResource"): Tagging(
        "ListTagsForResource", ("resourceArn",), "TooManyTagsException", "tags"
    ),
    ("sns", "TagResource"): Tagging("ListTagsForResource", ("ResourceArn",), "TagLimitExceeded"),
    ("ssm", "AddTagsToResource"): Tagging(
        "ListTagsForResource", ("ResourceType", "ResourceId"), "TooManyTagsError"
    ),
    ("stepfunctions", "TagResource"): Tagging(
        "ListTagsForResource", ("resourceArn",), "TooManyTags", "tags"
    ),
}


async def check_tags(call: Call, request: HttpRequest, handler: ServiceHandler) -> None:
    """Raise ``AwsError`` when a resource would have too many tags."""
    tagging = _OPERATIONS.get((call.service, call.operation))
    if tagging is None:
        return
    asked = {name: call.parameters[name] for name in tagging.names}
    headers, query, body = dict(request.headers), {}, b""
    method, path = "POST", request.path
    if tagging.lists.startswith("/"):
        method, path = "GET", tagging.lists + quote(asked["Resource"], safe="")
    elif "x-amz-target" in headers:
        prefix = headers["x-amz-target"].rpartition(".")[0]
        headers["x-amz-target"] = f"{prefix}.{tagging.lists}"
        body = json.dumps(asked).encode()
    else:
        form = {"Action": tagging.lists, **asked}
        body, query = urlencode(form).encode(), {name: [value] for name, value in form.items()}
    status, _, answer = await handler(method, path, headers, body, query)
    if status != 200:
        return  # its own error says why
    new = call.parameters.get(tagging.member) or ()
    keys = {*_keys(answer), *_names(new)}
    if len(keys) > MOST_TAGS:
        raise AwsError(
            tagging.code,
            f"The resource would have {len(keys)} tags; at most {MOST_TAGS} are allowed.",
            tagging.status,
        )


def _keys(answer: bytes) -> list[str]:
    text = answer.decode()
    if text.lstrip().startswith("<"):
        return re.findall(r"<Key>([^<]*)</Key>", text)
    content = json.loads(text or "{}")
    tags = next((content[name] for name in ("Tags", "tags", "TagList") if name in content), ())
    return _names(tags)


def _names(tags: Any) -> list[str]:
    if isinstance(tags, Mapping):
        return list(tags)
    return [tag.get("Key") or tag.get("key") or tag.get("TagKey") or "" for tag in tags]
