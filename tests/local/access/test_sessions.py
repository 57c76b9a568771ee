"""Sessions: session tags, session policies, chained roles, policies attached later."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localaws.identity_tokens import AUDIENCE, GITHUB, TokenIssuer
from tests.local.access.conftest import CHICAGO, ENDPOINT, NEW_YORK, Access, invoke

ALLOW_ALL = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
)
NEW_YORK_TAG = ("City", "NewYork_NY")


class TestTenants:
    @pytest.mark.parametrize(
        ("city", "target_model", "status"),
        [
            ("NewYork_NY", NEW_YORK, 200),
            ("NewYork_NY", CHICAGO, 403),
            ("NewYork_NY", None, 403),
            ("Chicago_IL", CHICAGO, 200),
            ("Chicago_IL", NEW_YORK, 403),
            ("NewYork_NY/..", CHICAGO, 403),
            ("newyork_ny", NEW_YORK, 403),
        ],
    )
    def test_a_session_invokes_the_models_of_its_tag(
        self, access: Access, city: str, target_model: str | None, status: int
    ) -> None:
        assert invoke(access.tenant(("City", city)), target_model).status == status

    @pytest.mark.parametrize(
        "tags",
        [
            (),
            (("City", ""),),
            (NEW_YORK_TAG, ("Team", "x")),
            (("city", "NewYork_NY"),),
            (("Team", "x"),),
        ],
        ids=["no tag", "an empty tag", "two tags", "lower case", "another tag"],
    )
    def test_a_session_needs_the_one_tag(
        self, access: Access, tags: tuple[tuple[str, str], ...]
    ) -> None:
        with pytest.raises(ClientError) as refused:
            access.tenant(*tags)
        assert refused.value.response["Error"]["Code"] in ("AccessDenied", "ValidationError")

    def test_a_tag_given_twice_is_refused(self, access: Access) -> None:
        with pytest.raises(ClientError):
            access.tenant(NEW_YORK_TAG, ("City", "Chicago_IL"))

    def test_a_caller_with_a_city_of_its_own_gets_no_other(
        self, access: Access, chicago_user: boto3.Session
    ) -> None:
        def assume(city: str) -> Any:
            return chicago_user.client("sts").assume_role(
                RoleArn=access.deployment.require("tenant_role_arn"),
                RoleSessionName="test",
                Tags=[{"Key": "City", "Value": city}],
            )

        assert assume("Chicago_IL")["Credentials"]
        with pytest.raises(ClientError, match="AccessDenied"):
            assume("NewYork_NY")

    def test_a_session_tag_outlives_no_chained_role(self, access: Access) -> None:
        """Neither directly nor by transitive tags does a session reach another city."""
        first = access.tenant(NEW_YORK_TAG, TransitiveTagKeys=["City"])
        with pytest.raises(ClientError, match="AccessDenied"):
            first.client("sts").assume_role(
                RoleArn=access.deployment.require("tenant_role_arn"),
                RoleSessionName="second",
                Tags=[{"Key": "City", "Value": "Chicago_IL"}],
            )

    @pytest.fixture
    def chicago_user(self, access: Access) -> Iterator[boto3.Session]:
        iam = access.aws.session().client("iam")
        iam.create_user(UserName="chicago", Tags=[{"Key": "City", "Value": "Chicago_IL"}])
        iam.put_user_policy(UserName="chicago", PolicyName="all", PolicyDocument=ALLOW_ALL)
        key = iam.create_access_key(UserName="chicago")["AccessKey"]
        yield access.aws.session(key["AccessKeyId"], key["SecretAccessKey"])
        iam.delete_access_key(UserName="chicago", AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName="chicago", PolicyName="all")
        iam.delete_user(UserName="chicago")


class TestExternalId:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html"""

    @pytest.fixture
    def partner_role(self, access: Access) -> Iterator[str]:
        """A role as the access stack writes it for a config with an external id."""
        trust = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Condition": {"StringEquals": {"sts:ExternalId": "partner-4711"}},
        }
        iam = access.aws.session().client("iam")
        role = iam.create_role(
            RoleName="partner",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}),
        )["Role"]
        yield role["Arn"]
        iam.delete_role(RoleName="partner")

    def test_a_partner_passes_its_external_id(self, access: Access, partner_role: str) -> None:
        assert access.aws.session_as(partner_role, ExternalId="partner-4711")

    @pytest.mark.parametrize("passed", [{}, {"ExternalId": "partner-4712"}])
    def test_without_it_the_role_stays_closed(
        self, access: Access, partner_role: str, passed: dict[str, str]
    ) -> None:
        with pytest.raises(ClientError, match="AccessDenied"):
            access.aws.session_as(partner_role, **passed)


class TestWebIdentity:
    """A provider's token opens the roles that trust its subject, and no forged one does."""

    PROVIDER = "token.actions.githubusercontent.com"
    SUBJECT = "repo:example/houses:environment:dev"

    @pytest.fixture
    def pipeline_role(self, access: Access) -> Iterator[str]:
        """A role that trusts jobs of one environment of one repository."""
        provider = f"arn:aws:iam::123456789012:oidc-provider/{self.PROVIDER}"
        keys = {f"{self.PROVIDER}:sub": self.SUBJECT, f"{self.PROVIDER}:aud": AUDIENCE}
        trust = {
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": provider},
            "Condition": {"StringEquals": keys},
        }
        iam = access.aws.session().client("iam")
        iam.create_open_id_connect_provider(Url=GITHUB, ClientIDList=[AUDIENCE, "another"])
        role = iam.create_role(
            RoleName="pipeline",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}),
        )["Role"]
        yield role["Arn"]
        iam.delete_role(RoleName="pipeline")
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)

    def token(self, access: Access, **changes: Any) -> str:
        values: dict[str, Any] = {
            "issuer": GITHUB,
            "subject": self.SUBJECT,
            "audience": AUDIENCE,
            "seconds": 60,
        }
        return TokenIssuer(access.aws.state.token_key).sign(**values | changes)

    def assume(self, access: Access, role: str, token: str) -> Any:
        """Without any key, as a job on GitHub has none."""
        sts = access.aws.session().client("sts")
        return sts.assume_role_with_web_identity(
            RoleArn=role, RoleSessionName="job", WebIdentityToken=token
        )

    def test_the_trusted_subject_gets_the_role(self, access: Access, pipeline_role: str) -> None:
        answer = self.assume(access, pipeline_role, self.token(access))
        assert answer["SubjectFromWebIdentityToken"] == self.SUBJECT
        keys = answer["Credentials"]
        session = access.aws.session(
            keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
        )
        arn = session.client("sts").get_caller_identity()["Arn"]
        assert arn == "arn:aws:sts::123456789012:assumed-role/pipeline/job"

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"subject": "repo:example/other:environment:dev"}, "AccessDenied"),
            ({"subject": "repo:example/houses:environment:prod"}, "AccessDenied"),
            ({"subject": "repo:example/houses:pull_request"}, "AccessDenied"),
            ({"subject": "repo:example/houses:environment:dev2"}, "AccessDenied"),
            ({"audience": "another"}, "AccessDenied"),
            ({"audience": "unknown"}, "InvalidIdentityToken"),
            ({"issuer": "https://gitlab.com"}, "InvalidIdentityToken"),
            ({"seconds": -1}, "ExpiredTokenException"),
        ],
    )
    def test_all_others_are_refused(
        self, access: Access, pipeline_role: str, changes: dict[str, Any], code: str
    ) -> None:
        with pytest.raises(ClientError) as refused:
            self.assume(access, pipeline_role, self.token(access, **changes))
        assert refused.value.response["Error"]["Code"] == code

    def test_a_token_that_nobody_signed_opens_nothing(
        self, access: Access, pipeline_role: str
    ) -> None:
        claims = {"iss": GITHUB, "aud": AUDIENCE, "sub": self.SUBJECT, "exp": 2**33}
        parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
        token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        with pytest.raises(ClientError) as refused:
            self.assume(access, pipeline_role, f"{token}.")
        assert refused.value.response["Error"]["Code"] == "InvalidIdentityToken"

    def test_another_signature_opens_nothing(self, access: Access, pipeline_role: str) -> None:
        ours, other = self.token(access), self.token(access, subject="x")
        forged = f"{ours.rpartition('.')[0]}.{other.rpartition('.')[2]}"
        with pytest.raises(ClientError, match="not a valid JWT"):
            self.assume(access, pipeline_role, forged)


class TestRestrictedRoles:
    @pytest.mark.parametrize("target", ["NewYork", "Chicago", "Tenant"])
    def test_no_role_is_reached_from_a_role(self, access: Access, target: str) -> None:
        arns = {**access.deployment.role_arns, "Tenant": access.deployment.tenant_role_arn}
        sts = access.role("NewYork").client("sts")
        with pytest.raises(ClientError, match="AccessDenied"):
            sts.assume_role(RoleArn=str(arns[target]), RoleSessionName="chained")

    def test_a_restricted_role_takes_no_session_tags(self, access: Access) -> None:
        with pytest.raises(ClientError, match="AccessDenied"):
            access.aws.session_as(
                access.deployment.role_arn("NewYork"),
                Tags=[{"Key": "City", "Value": "Chicago_IL"}],
            )

    def test_a_session_policy_adds_nothing(self, access: Access) -> None:
        arn = access.deployment.role_arn("NewYork")
        session = access.aws.session_as(arn, Policy=ALLOW_ALL)
        assert invoke(session, NEW_YORK).status == 200
        assert invoke(session, CHICAGO).status == 403

    def test_a_session_policy_takes_away(self, access: Access) -> None:
        nothing = ALLOW_ALL.replace('"Action": "*"', '"Action": "s3:GetObject"')
        session = access.aws.session_as(access.deployment.role_arn("NewYork"), Policy=nothing)
        answer = invoke(session, NEW_YORK)
        assert answer.message.endswith(
            "because no session policy allows the sagemaker:InvokeEndpoint action"
        )

    @pytest.fixture
    def widened(self, access: Access) -> Iterator[boto3.Session]:
        """A session of New York's role while somebody has attached a policy that allows all."""
        iam = access.aws.session().client("iam")
        role = access.deployment.role_arn("NewYork").rpartition("/")[2]
        iam.put_role_policy(RoleName=role, PolicyName="wide", PolicyDocument=ALLOW_ALL)
        yield access.role("NewYork")
        iam.delete_role_policy(RoleName=role, PolicyName="wide")

    @pytest.mark.parametrize(
        ("target_model", "endpoint"),
        [(CHICAGO, ENDPOINT), (None, ENDPOINT), (NEW_YORK, f"{ENDPOINT}-2")],
        ids=["another city", "no target model", "another endpoint"],
    )
    def test_a_policy_attached_later_does_not_widen_it(
        self, access: Access, widened: boto3.Session, target_model: str | None, endpoint: str
    ) -> None:
        answer = invoke(widened, target_model, endpoint)
        assert answer.message.endswith("with an explicit deny in an identity-based policy")

    def test_a_policy_attached_later_does_not_open_streaming(self, widened: boto3.Session) -> None:
        runtime = widened.client("sagemaker-runtime")
        with pytest.raises(ClientError, match="explicit deny"):
            runtime.invoke_endpoint_with_response_stream(EndpointName=ENDPOINT, Body=b"1")
