"""Puts the checks of ``localaws.admission`` between MiniStack's dispatcher and its services."""

import asyncio
import importlib
import json
import logging
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ministack.core.responses import get_account_id, new_uuid
from ministack.core.responses import get_region as _region
from ministack.services import iam, kms, s3

from localaws.admission.account import PolicyOwner
from localaws.admission.gate import check, validate_call
from localaws.admission.reading import HttpRequest, read_call
from localaws.authorization import service_may_assume
from localaws.error_documents import WRITABLE, error_document
from localaws.errors import AwsError
from localaws.ministack.absent import CODE, NOT_IMPLEMENTED
from localaws.ministack.embedding import Answer, ServiceHandler
from localaws.ministack.iam import enforcement
from localaws.ministack.iam.identities import MiniStackIdentities
from localaws.ministack.tag_quota import check_tags
from localaws.service_models import BOTOCORE_NAMES, error_codes, service_model

_STRAY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)|<(?![/?!A-Za-z_])")
"""Characters of a text that MiniStack put into XML as they are."""
_UNKNOWN = re.compile(
    rb"Unknown (?:[\w ]*(?:action|operation): (\w+)|(?:API Gateway v1 )?path: )"
    rb"|Function not found: /\d{4}-"
)
"""How MiniStack says that it does not have an operation; a function's name begins with no slash."""
_CODE = re.compile(rb"<Code>(\w+)</Code>")
ERROR = 400
logger = logging.getLogger(__name__)
_loaded: set[str] = set()
"""The models that were read; it takes a third of a second each."""


def admitted(service: str, handler: ServiceHandler) -> ServiceHandler:
    """What answers for a service, by MiniStack's name, with the checks before it."""
    model = BOTOCORE_NAMES.get(service)
    if model is None:
        return handler

    async def handle(
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, list[str]],
    ) -> Answer:
        if model not in _loaded:
            await asyncio.to_thread(service_model, model)  # others are served meanwhile
            _loaded.add(model)
        request = HttpRequest(method, path, headers, query, body)
        call = None
        try:
            _check_owner(request)
            call = read_call(model, request)
            if call is not None:
                check(call, MiniStackAccount())
                await check_tags(call, request, handler)
                if "x-amz-target" in headers and b"null" in body:
                    # Members that are null count as left out; MiniStack stumbles over them.
                    body = json.dumps(call.parameters).encode()
            status, fields, answer = await handler(method, path, headers, body, query)
            if status >= ERROR and call is not None:
                _check_present(service, call.operation, answer)
        except AwsError as error:
            return _refusal(model, request, error)
        except Exception as failure:
            if call is None:  # MiniStack met what no operation of the service looks like
                text = f"{method} {path} is no operation of {service}"
                return _refusal(model, request, AwsError("UnknownOperationException", text, 404))
            # A fault of the emulator's, said in the service's protocol.
            logger.exception("%s %s failed", service, path)
            text = f"localaws failed: {failure!r}"
            return _refusal(model, request, AwsError("InternalFailure", text, 500))
        if answer[:1] == b"<" and (status >= ERROR or model != "s3"):
            answer = _STRAY.sub(_written, answer.translate(WRITABLE))
        if answer[:1] == b"<" and status >= ERROR:
            answer = _CODE.sub(partial(_as_on_the_wire, model), answer, count=1)
        return status, fields, answer

    return handle


def problem_of(service: str, request: HttpRequest) -> AwsError | None:
    """What the model of a service has against a request, by MiniStack's name; None without."""
    model = BOTOCORE_NAMES.get(service)
    if model is None:
        return None
    try:
        call = read_call(model, request)
        if call is not None:
            validate_call(call)
    except AwsError as error:
        return error
    return None


def _check_present(service: str, operation: str, answer: bytes) -> None:
    """What AWS has and localaws lacks is not said to be unknown."""
    unknown = _UNKNOWN.search(answer)
    if unknown is not None and unknown[1] in (None, operation.encode()):
        text = f"localaws does not have the operation {operation} of {service}."
        raise AwsError(CODE, text, NOT_IMPLEMENTED)


def _as_on_the_wire(service: str, code: re.Match[bytes]) -> bytes:
    """The query protocols have codes that are not always the exceptions' names."""
    name = code[1].decode()
    return f"<Code>{error_codes(service).get(name, name)}</Code>".encode()


def _written(stray: re.Match[bytes]) -> bytes:
    return b"&amp;" if stray[0] == b"&" else b"&lt;"


def _check_owner(request: HttpRequest) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html."""
    expected = request.headers.get("x-amz-expected-bucket-owner")
    if expected is not None and expected != get_account_id():
        raise AwsError("AccessDenied", "Access Denied", 403)


def _refusal(service: str, request: HttpRequest, error: AwsError) -> Answer:
    """The error in the protocol that the request speaks."""
    return error.status, *error_document(service, request.headers, error, new_uuid())


class MiniStackAccount:
    """The account of the request that is being answered, as MiniStack keeps it."""

    @property
    def account_id(self) -> str:
        return str(get_account_id())

    @property
    def region(self) -> str:
        return str(_region())

    def caller_arn(self) -> str | None:
        caller = enforcement.current_caller()
        if caller is None:
            return None
        principal = caller.identity.principal
        return principal.role_arn or principal.arn

    def caller_is_session(self) -> bool:
        caller = enforcement.current_caller()
        return caller is not None and caller.identity.principal.role_arn is not None

    def owner(self, kind: str, name: str) -> PolicyOwner | None:
        record = _owners(kind).get(name)
        if record is None:
            return None
        if kind == "Role":
            inline = record.get("InlinePolicies") or {}
        elif kind == "User":
            inline = iam._user_inline_policies.get(name) or {}
        else:
            inline = iam._group_inline_policies.get(name) or {}
        texts = {key: _text(document) for key, document in inline.items()}
        return PolicyOwner(
            texts, tuple(record.get("AttachedPolicies") or ()), len(record.get("Users") or ())
        )

    def record(self, kind: str, name: str) -> Mapping[str, Any] | None:
        return _RECORDS[kind](name)

    def is_taken(self, kind: str, name: str) -> bool:
        there = list(_owners(kind))
        if kind == "Policy":  # kept by their ARNs
            there = [arn.rpartition("/")[2] for arn in there]
        return name.casefold() in (each.casefold() for each in there)

    def count(self, kind: str) -> int:
        return len(_owners(kind))

    def policy_versions(self, arn: str) -> int | None:
        policy = iam._lookup_policy(arn)
        return None if policy is None else len(policy.get("Versions", ()))

    def access_keys(self, user: str) -> int:
        return sum(record.get("UserName") == user for record in iam._access_keys.values())

    def longest_session(self, role_arn: str) -> int | None:
        role = _by_arn(role_arn)
        return None if role is None else int(role.get("MaxSessionDuration", 3600))

    def may_assume(self, service: str, role_arn: str, source_arn: str | None = None) -> bool:
        trust = MiniStackIdentities().trust_policy(role_arn)
        return trust is not None and service_may_assume(service, role_arn, trust, source_arn)

    def principal_exists(self, arn: str) -> bool:
        return _by_arn(arn) is not None

    def key_exists(self, key_id: str) -> bool:
        return key_exists(key_id)


def key_exists(key_id: str) -> bool:
    """Whether a KMS key exists in the scope that is asked for."""
    # AWS's own keys come into being when they are first used.
    return "alias/aws/" in key_id or kms._resolve_key(key_id) is not None


def _held(module: str, store: str) -> Callable[[str], Mapping[str, Any] | None]:
    """How to look a name up in a store of a service; those that load late are imported late."""

    def find(name: str) -> Mapping[str, Any] | None:
        services = importlib.import_module(f"ministack.services.{module}")
        found: Mapping[str, Any] | None = getattr(services, store).get(name)
        return found

    return find


def _key(name: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = kms._resolve_key(name) if name else None
    return found


def _time_to_live(table: str) -> Mapping[str, Any] | None:
    from ministack.services import dynamodb

    status = (dynamodb._ttl_settings.get(table) or {}).get("TimeToLiveStatus")
    return None if status is None else {"Enabled": status == "ENABLED"}


def _recovery(table: str) -> Mapping[str, Any] | None:
    from ministack.services import dynamodb

    return {"enabled": bool(dynamodb._pitr_settings.get(table))}


def _rule(name: str) -> Mapping[str, Any] | None:
    from ministack.services import eventbridge

    key = eventbridge._rule_key(name, "default")
    if key not in eventbridge._rules:
        return None
    return {"Targets": list(eventbridge._targets.get(key) or ())}


def _upload(name: str) -> Mapping[str, Any] | None:
    upload = s3._multipart_uploads.get(name)
    if upload is None:
        return None
    return {"sizes": {int(number): part["size"] for number, part in upload["parts"].items()}}


def _user(name: str) -> Mapping[str, Any] | None:
    if name not in iam._users:
        return None
    groups = [group for group, record in iam._groups.items() if name in record.get("Users", ())]
    return {"Groups": groups}


_RECORDS: Mapping[str, Callable[[str], Mapping[str, Any] | None]] = {
    "activity": _held("stepfunctions", "_activities"),
    "bucket": _held("s3", "_buckets"),
    "composite alarm": _held("cloudwatch", "_composite_alarms"),
    "event bus": _held("eventbridge", "_event_buses"),
    "function": _held("lambda_svc", "_functions"),
    "key": _key,
    "log group": _held("cloudwatch_logs", "_log_groups"),
    "parameter": _held("ssm", "_parameters"),
    "point in time recovery": _recovery,
    "query": _held("cloudwatch_logs", "_queries"),
    "rule": _rule,
    "state machine": _held("stepfunctions", "_state_machines"),
    "table": _held("dynamodb", "_tables"),
    "time to live": _time_to_live,
    "topic": _held("sns", "_topics"),
    "upload": _upload,
    "user": _user,
}


def _owners(kind: str) -> Mapping[str, Any]:
    stores = {
        "Role": iam._roles,
        "User": iam._users,
        "Group": iam._groups,
        "Policy": iam._policies,
    }
    found: Mapping[str, Any] = stores[kind]
    return found


def _by_arn(arn: str) -> Mapping[str, Any] | None:
    """The user or role of an ARN, its path compared too."""
    kind = "User" if ":user/" in arn else "Role"
    record: Mapping[str, Any] | None = _owners(kind).get(arn.rpartition("/")[2])
    return record if record is not None and record["Arn"] == arn else None


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)
