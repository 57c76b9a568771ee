"""The function that invokes the models of the tenant that a token names, attacked."""

import base64
import json
from typing import Any

import pytest

from localaws.testing import LocalAws
from tests.local.library.conftest import deploy


class Broker:
    """The function of the example, asked as API Gateway asks it."""

    def __init__(self, account: LocalAws, name: str) -> None:
        self._lambda = account.session().client("lambda")
        self._name = name

    def ask(self, tenant: str | None, model: str | None = None, **event: Any) -> tuple[int, str]:
        claims = {} if tenant is None else {"custom:tenant": tenant}
        request = {
            "requestContext": {"authorizer": {"claims": claims}},
            "pathParameters": {"model": model} if model else None,
            "headers": {"Content-Type": "application/json"},
            "body": json.dumps({"instances": [{"features": [0.0] * 10}]}),
            **event,
        }
        answer = self._lambda.invoke(FunctionName=self._name, Payload=json.dumps(request))
        assert "FunctionError" not in answer, answer["Payload"].read()
        told = json.loads(answer["Payload"].read())
        body = told["body"]
        if told.get("isBase64Encoded"):
            body = base64.b64decode(body).decode()
        return told["statusCode"], body


@pytest.fixture(scope="module")
def broker(account: LocalAws, houses: str, tmp_path_factory: pytest.TempPathFactory) -> Broker:
    deploy(account, "tenant_broker", tmp_path_factory.mktemp("broker"))
    cloudformation = account.session().client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName="TenantBroker")["Stacks"]
    (output,) = stack["Outputs"]
    return Broker(account, output["OutputValue"])


def test_the_tenant_of_the_token_reaches_its_own_models(broker: Broker) -> None:
    for model in ("NewYork_NY.tar.gz", None):
        status, body = broker.ask("NewYork_NY", model)
        assert (status, len(json.loads(body)["predictions"])) == (200, 1)


@pytest.mark.parametrize(
    ("tenant", "model", "status"),
    [
        (None, "NewYork_NY.tar.gz", 403),
        ("", "NewYork_NY.tar.gz", 403),
        ("*", "NewYork_NY.tar.gz", 403),
        ("NewYork_NY/..", "x.tar.gz", 403),
        ("${aws:PrincipalTag/Tenant}", "x.tar.gz", 403),
        ("NewYork_NY", "../Chicago_IL/Chicago_IL.tar.gz", 400),
        ("NewYork_NY", "..%2FChicago_IL%2FChicago_IL.tar.gz", 400),
        ("NewYork_NY", "*", 400),
        ("NewYork_NY", "absent.tar.gz", 400),
        ("Nobody", "Nobody.tar.gz", 400),
    ],
)
def test_what_is_not_a_tenants_own_model_is_refused(
    broker: Broker, tenant: str | None, model: str, status: int
) -> None:
    assert broker.ask(tenant, model)[0] == status


def test_no_header_and_no_body_of_the_caller_chooses_the_tenant(broker: Broker) -> None:
    headers = {
        "Content-Type": "application/json",
        "X-Amzn-SageMaker-Target-Model": "Chicago_IL/Chicago_IL.tar.gz",
        "custom:tenant": "Chicago_IL",
    }
    status, _ = broker.ask(None, "Chicago_IL.tar.gz", headers=headers)
    assert status == 403
    status, _ = broker.ask("NewYork_NY", "Chicago_IL.tar.gz", headers=headers)
    assert status == 400  # NewYork_NY/Chicago_IL.tar.gz, which is not there


def test_nobody_but_the_function_becomes_a_tenant(account: LocalAws, broker: Broker) -> None:
    iam = account.session().client("iam")
    roles = [role for role in iam.list_roles()["Roles"] if "TenantRole" in role["RoleName"]]
    (role,) = (role for role in roles if role["RoleName"].startswith("TenantBroker"))
    sts = account.session().client("sts")
    with pytest.raises(sts.exceptions.ClientError, match="AccessDenied"):
        sts.assume_role(
            RoleArn=role["Arn"],
            RoleSessionName="me",
            Tags=[{"Key": "Tenant", "Value": "NewYork_NY"}],
        )
