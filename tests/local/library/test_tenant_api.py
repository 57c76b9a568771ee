"""API Gateway in front of an endpoint, deployed and attacked at the address that it has on AWS."""

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from localaws.testing import LocalAws
from tests.local.library.conftest import deploy

STACK = "TenantApi"
NEW_YORK = "NewYork_NY/NewYork_NY.tar.gz"
CHICAGO = "Chicago_IL/Chicago_IL.tar.gz"
PASSWORD = "Correct-horse-7"
HOUSE = json.dumps({"instances": [{"features": [0.0] * 10}]}).encode()


@dataclass(frozen=True)
class Apis:
    """The two APIs of the example, and those who call them."""

    aws: LocalAws
    tokens: str
    signed: str
    pool: str
    tenant_role: str

    def post(self, url: str, headers: dict[str, str], body: bytes = HOUSE) -> tuple[int, str]:
        """POST by the proxy that leads AWS's own addresses to localaws."""
        variables = self.aws.environment
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({"https": variables["HTTPS_PROXY"]}),
            urllib.request.HTTPSHandler(
                context=ssl.create_default_context(cafile=variables["AWS_CA_BUNDLE"])
            ),
        )
        request = urllib.request.Request(
            url, body, {"Content-Type": "application/json", **headers}, method="POST"
        )
        try:
            with opener.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def token(self, tenant: str) -> str:
        """The identity token of a user of a tenant."""
        users: Any = self.aws.session().client("cognito-idp")
        name = f"user-of-{tenant}"
        users.admin_create_user(
            UserPoolId=self.pool,
            Username=name,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "custom:tenant", "Value": tenant}],
        )
        users.admin_set_user_password(
            UserPoolId=self.pool, Username=name, Password=PASSWORD, Permanent=True
        )
        client = users.create_user_pool_client(
            UserPoolId=self.pool,
            ClientName=name,
            ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        )["UserPoolClient"]["ClientId"]
        answer = users.admin_initiate_auth(
            UserPoolId=self.pool,
            ClientId=client,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
        )
        return str(answer["AuthenticationResult"]["IdToken"])

    def sign(self, session: boto3.Session, url: str, body: bytes = HOUSE) -> dict[str, str]:
        """The headers of a request that a session has signed."""
        request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
        credentials = session.get_credentials()
        assert credentials is not None
        SigV4Auth(credentials, "execute-api", session.region_name).add_auth(request)
        return dict(request.headers)

    def tenant(self, city: str) -> boto3.Session:
        return self.aws.session_as(self.tenant_role, Tags=[{"Key": "City", "Value": city}])

    def ask(self, session: boto3.Session, target_model: str) -> tuple[int, str]:
        """Ask the signed API for a target model."""
        url = f"{self.signed}models/{target_model}"
        return self.post(url, self.sign(session, url))


@pytest.fixture(scope="module")
def apis(account: LocalAws, houses: str, tmp_path_factory: pytest.TempPathFactory) -> Apis:
    deploy(account, "tenant_api", tmp_path_factory.mktemp("api"))
    cloudformation = account.session().client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    urls = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    found = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]

    def named(kind: str, start: str) -> str:
        (name,) = (
            resource["PhysicalResourceId"]
            for resource in found
            if resource["ResourceType"] == kind and resource["LogicalResourceId"].startswith(start)
        )
        return str(name)

    role = named("AWS::IAM::Role", "Tenants")
    return Apis(
        account,
        next(url for key, url in urls.items() if key.startswith("Api")),
        next(url for key, url in urls.items() if key.startswith("Signed")),
        named("AWS::Cognito::UserPool", "Users"),
        f"arn:aws:iam::{account.state.account_id}:role/{role}",
    )


@pytest.fixture(scope="module")
def new_york(apis: Apis) -> str:
    """The token of a user of New York."""
    return apis.token("NewYork_NY")


def test_a_token_reaches_the_models_of_its_tenant(apis: Apis, new_york: str) -> None:
    for path in ("models/NewYork_NY.tar.gz", "models"):
        status, body = apis.post(apis.tokens + path, {"Authorization": new_york})
        assert status == 200, body
        assert len(json.loads(body)["predictions"]) == 1


@pytest.mark.parametrize("path", ["models/Chicago_IL.tar.gz", f"models/{CHICAGO}"])
def test_a_token_reaches_no_other_tenant(apis: Apis, new_york: str, path: str) -> None:
    headers = {
        "Authorization": new_york,
        "Tenant": "Chicago_IL",
        "X-Amzn-SageMaker-Target-Model": CHICAGO,
    }
    status, body = apis.post(apis.tokens + path, headers)
    assert status == 400
    assert "predictions" not in body


def test_without_a_token_or_with_a_forged_one_nobody_is_answered(apis: Apis, new_york: str) -> None:
    head, claims, signature = new_york.split(".")
    forged = f"{head}.{claims[:-2]}AA.{signature}"
    for headers in ({}, {"Authorization": "token"}, {"Authorization": forged}):
        assert apis.post(f"{apis.tokens}models", headers)[0] == 401


def test_a_signed_request_reaches_the_models_of_the_callers_tag(apis: Apis) -> None:
    status, body = apis.ask(apis.tenant("NewYork_NY"), NEW_YORK)
    assert (status, len(json.loads(body)["predictions"])) == (200, 1)


def test_a_signed_request_reaches_no_other_tenant(apis: Apis) -> None:
    session = apis.tenant("NewYork_NY")
    status, body = apis.ask(session, CHICAGO)
    assert status == 403
    assert "sagemaker:InvokeEndpoint" in body
    url = f"{apis.signed}models/{CHICAGO}"
    headers = apis.sign(session, url) | {"X-Amzn-SageMaker-Target-Model": NEW_YORK}
    assert apis.post(url, headers)[0] == 403


def test_who_may_not_call_the_api_does_not_reach_the_endpoint(apis: Apis) -> None:
    """A role that may invoke the model, and not the API."""
    iam = apis.aws.session().client("iam")
    role = iam.create_role(
        RoleName="no-api",
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Principal": {"AWS": apis.aws.state.account_id},
                    "Action": "sts:AssumeRole",
                },
            }
        ),
    )["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    iam.put_role_policy(RoleName="no-api", PolicyName="invoke", PolicyDocument=document)
    status, body = apis.ask(apis.aws.session_as(role), NEW_YORK)
    assert status == 403
    assert "execute-api:Invoke" in body


def test_a_request_that_was_changed_after_it_was_signed_is_refused(apis: Apis) -> None:
    session = apis.tenant("NewYork_NY")
    url = f"{apis.signed}models/{NEW_YORK}"
    assert apis.post(url, apis.sign(session, url), b"{}")[0] == 403
    assert apis.post(f"{apis.signed}models/{CHICAGO}", apis.sign(session, url))[0] == 403
    assert apis.post(url, {})[0] == 403
