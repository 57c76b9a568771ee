"""Requests of which a part is refused: the answer says which, and the rest is done."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import json_response
from ministack.services import kms

from localaws.ministack import patches

Json = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Replace the functions of services that load at once."""
    patches.replace(kms, "_list_keys", lambda _: _list_keys)


def install_late() -> None:
    """Replace those of the others."""
    from ministack.services import eventbridge

    patches.replace(eventbridge, "_put_events", _with_right_events)


def _list_keys(data: Json) -> Answer:
    """A page of keys; its marker is the number of the next one, as ``paging`` expects it."""
    begin, most = _offset(data.get("Marker")), data.get("Limit", 100)
    keys = [{"KeyId": key["KeyId"], "KeyArn": key["Arn"]} for key in kms._keys.values()]
    end = begin + most
    more = {"NextMarker": base64.b64encode(str(end).encode()).decode()}
    truncated = len(keys) > end
    page = {"Keys": keys[begin:end], "Truncated": truncated, **(more if truncated else {})}
    return _json(page)


def _json(content: Json) -> Answer:
    answer: Answer = json_response(content)
    return answer


def _offset(marker: str | None) -> int:
    return int(base64.b64decode(marker)) if marker else 0


def _with_right_events(put: Callable[..., Answer]) -> Callable[..., Answer]:
    """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html."""

    def answer(data: Json, allow_aws_source: bool = False) -> Answer:
        entries = data.get("Entries", [])
        problems = [_problem(entry) for entry in entries]
        right = [entry for entry, problem in zip(entries, problems, strict=True) if not problem]
        status, headers, body = put({**data, "Entries": right}, allow_aws_source)
        if status != 200 or len(right) == len(entries):
            return status, headers, body
        said = json.loads(body)
        done = iter(said["Entries"])
        results = [problem or next(done) for problem in problems]
        failed = said["FailedEntryCount"] + len(entries) - len(right)
        return _json({"FailedEntryCount": failed, "Entries": results})

    return answer


def _problem(entry: Mapping[str, Any]) -> Json | None:
    for member in ("Source", "DetailType", "Detail"):
        if not entry.get(member):
            return _error("InvalidArgument", f"Parameter {member} is not valid. Reason: missing.")
    try:
        detail = json.loads(entry["Detail"])
    except (ValueError, RecursionError):
        detail = None
    if not isinstance(detail, dict):
        return _error("MalformedDetail", "Detail is malformed.")
    return None


def _error(code: str, message: str) -> Json:
    return {"ErrorCode": code, "ErrorMessage": message}
