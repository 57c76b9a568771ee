"""Service Quotas as clients see it: the quotas of SageMaker. Increases are granted at once.

https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_Operations.html
"""

import uuid
from collections.abc import Sequence
from typing import Any

from localaws.backend import Scope
from localaws.errors import AwsError
from localaws.sagemaker.authorizations import Authorization
from localaws.sagemaker.dispatch import ServiceApi
from localaws.sagemaker.resources import Request, ResourceFamily, Response, now
from localaws.service_quotas.quotas import GRANTED, Quota, SetQuotas, known_quotas

SERVICE_CODE = "sagemaker"
SERVICE_NAME = "Amazon SageMaker"
DEFAULT_PAGE = 100


class Quotas(ResourceFamily):
    """ListServices, List and Get of applied and of default quotas, RequestServiceQuotaIncrease."""

    def __init__(self, set_quotas: SetQuotas) -> None:
        self._set = set_quotas

    def list_services(self, scope: Scope, request: Request) -> Response:
        return {"Services": [{"ServiceCode": SERVICE_CODE, "ServiceName": SERVICE_NAME}]}

    def list_service_quotas(self, scope: Scope, request: Request) -> Response:
        return _page([_shown(scope, q, self._applied(q)) for q in _asked(request)], request)

    def get_service_quota(self, scope: Scope, request: Request) -> Response:
        quota = _found(request)
        return {"Quota": _shown(scope, quota, self._applied(quota))}

    def list_aws_default_service_quotas(self, scope: Scope, request: Request) -> Response:
        return _page([_shown(scope, q, q.default) for q in _asked(request)], request)

    def get_aws_default_service_quota(self, scope: Scope, request: Request) -> Response:
        quota = _found(request)
        return {"Quota": _shown(scope, quota, quota.default)}

    def request_service_quota_increase(self, scope: Scope, request: Request) -> Response:
        quota = _found(request)
        desired = request["DesiredValue"]
        if desired <= self._applied(quota):
            raise AwsError(
                "IllegalArgumentException",
                "You must provide a quota value greater than the current quota value.",
            )
        self._set.set(quota.name, int(desired))
        shown = _shown(scope, quota, int(desired))
        members = ("ServiceCode", "ServiceName", "QuotaArn", "QuotaCode", "QuotaName", "Unit")
        return {
            "RequestedQuota": {
                **{member: shown[member] for member in members},
                "Id": uuid.uuid4().hex,
                "DesiredValue": desired,
                "Status": "APPROVED",
                "Created": now(),
            }
        }

    def _applied(self, quota: Quota) -> int:
        value = self._set.get(quota.name)
        return GRANTED if value is None else value


class ServiceQuotasApi(ServiceApi):
    """Service Quotas."""

    def __init__(self, set_quotas: SetQuotas) -> None:
        super().__init__("service-quotas", [Quotas(set_quotas)])

    def authorizations(self, scope: Scope, operation: str, request: Request) -> list[Authorization]:
        """What the caller must be allowed to do: reading knows no resources."""
        resource = "*"
        if operation == "RequestServiceQuotaIncrease":
            code = f"{request.get('ServiceCode')}/{request.get('QuotaCode')}"
            resource = f"arn:aws:servicequotas:{scope.region}:{scope.account_id}:{code}"
        return [Authorization(f"servicequotas:{operation}", resource)]


def _asked(request: Request) -> list[Quota]:
    if request["ServiceCode"] != SERVICE_CODE:
        raise _no_such(f"localaws has quotas of {SERVICE_CODE} alone")
    wanted = request.get("QuotaCode")
    return [quota for quota in known_quotas().values() if wanted in (None, quota.code)]


def _found(request: Request) -> Quota:
    for quota in _asked(request):
        return quota
    raise _no_such("The request failed because the specified quota does not exist.")


def _no_such(message: str) -> AwsError:
    return AwsError("NoSuchResourceException", message)


def _shown(scope: Scope, quota: Quota, value: int) -> dict[str, Any]:
    return {
        "ServiceCode": SERVICE_CODE,
        "ServiceName": SERVICE_NAME,
        "QuotaArn": f"arn:aws:servicequotas:{scope.region}:{scope.account_id}"
        f":{SERVICE_CODE}/{quota.code}",
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Value": float(value),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }


def _page(found: Sequence[dict[str, Any]], request: Request) -> Response:
    token = request.get("NextToken", "0")
    if not token.isdecimal():
        raise AwsError("InvalidPaginationTokenException", "Invalid input was provided.")
    start = int(token)
    end = start + request.get("MaxResults", DEFAULT_PAGE)
    following = {"NextToken": str(end)} if end < len(found) else {}
    return {"Quotas": list(found[start:end]), **following}
