"""What a role of New York reaches, by whatever name it asks."""

import pytest

from tests.local.access.conftest import (
    CHICAGO,
    ENDPOINT,
    LOOKALIKE,
    NEW_YORK,
    Access,
    invoke,
    outcome,
)

DENIED = (403, "AccessDeniedException")


def test_the_role_invokes_the_model_of_its_city(access: Access) -> None:
    assert invoke(access.role("NewYork"), NEW_YORK).status == 200


@pytest.mark.parametrize(
    "target_model",
    [
        CHICAGO,
        LOOKALIKE,
        None,
        NEW_YORK.lower(),
        NEW_YORK.upper(),
        f"/{NEW_YORK}",
        f"./{NEW_YORK}",
        "NewYork_NY",
        "NewYork_NY%2FNewYork_NY.tar.gz",
        "Chicago_IL%2FChicago_IL.tar.gz",
        "*",
        "NewYork_N?/NewYork_NY.tar.gz",
        "${aws:PrincipalTag/City}/NewYork_NY.tar.gz",
    ],
)
def test_every_other_target_model_is_denied(access: Access, target_model: str | None) -> None:
    answer = invoke(access.role("NewYork"), target_model)
    assert (answer.status, answer.code) == DENIED


@pytest.mark.parametrize(
    "target_model",
    [
        f"NewYork_NY/../{CHICAGO}",
        f"NewYork_NY/..%2F{CHICAGO}",
        f"NewYork_NY/%2e%2e/{CHICAGO}",
        f"NewYork_NY//../{CHICAGO}",
        f"NewYork_NY/\\..\\{CHICAGO}",
        "NewYork_NY/",
        "NewYork_NY/*",
    ],
)
def test_a_way_out_of_the_folder_leads_to_no_model(access: Access, target_model: str) -> None:
    """The role may ask for it, since the name begins with its city; S3 knows no such key."""
    answer = invoke(access.role("NewYork"), target_model)
    assert (answer.status, answer.code) == (400, "ValidationError")


@pytest.mark.parametrize(
    "target_model",
    ["NewYork_NY/" + "x" * 1014, "NewYork_NY/\x01", "NewYork_NY/a\x7f", "NewYork_NY/\xa0b"],
    ids=["1025 characters", "a control character", "delete", "a blank beyond ASCII"],
)
def test_a_malformed_target_model_is_refused(access: Access, target_model: str) -> None:
    answer = access.sign(access.role("NewYork"), target_model).send()
    assert answer.status in (400, 403)


def test_a_second_target_model_does_not_replace_the_first(access: Access) -> None:
    for order in ((NEW_YORK, CHICAGO), (CHICAGO, NEW_YORK)):
        assert access.sign(access.role("NewYork"), *order).send().status in (400, 403)


def test_another_endpoint_is_denied(access: Access) -> None:
    answer = invoke(access.role("NewYork"), NEW_YORK, f"{ENDPOINT}-2")
    assert (answer.status, answer.code) == DENIED


def test_the_denial_reads_as_that_of_aws(access: Access) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"""
    session = access.role("NewYork")
    caller = session.client("sts").get_caller_identity()["Arn"]
    resource = f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{ENDPOINT}"
    assert invoke(session, CHICAGO).message == (
        f"User: {caller} is not authorized to perform: sagemaker:InvokeEndpoint on resource: "
        f"{resource} with an explicit deny in an identity-based policy"
    )


class TestWaysAround:
    """No other operation of AWS leads a caller to a model, or to more permissions."""

    def denied(self, access: Access, service: str, operation: str, **request: object) -> None:
        client = access.role("NewYork").client(service)  # type: ignore[call-overload]
        answer = outcome(lambda: getattr(client, operation)(**request))
        assert answer.status == 403
        assert answer.code in ("AccessDeniedException", "AccessDenied")

    def test_asynchronous_invocation(self, access: Access) -> None:
        self.denied(
            access,
            "sagemaker-runtime",
            "invoke_endpoint_async",
            EndpointName=ENDPOINT,
            InputLocation="s3://access-test-models/input.csv",
        )

    def test_streaming_invocation(self, access: Access) -> None:
        self.denied(
            access,
            "sagemaker-runtime",
            "invoke_endpoint_with_response_stream",
            EndpointName=ENDPOINT,
            Body=b"1",
        )

    @pytest.mark.parametrize("operation", ["update_endpoint", "describe_endpoint"])
    def test_the_control_plane(self, access: Access, operation: str) -> None:
        more = {"EndpointConfigName": "access-test"} if operation == "update_endpoint" else {}
        self.denied(access, "sagemaker", operation, EndpointName=ENDPOINT, **more)

    @pytest.mark.parametrize("operation", ["get_object", "head_object", "delete_object"])
    def test_the_model_store(self, access: Access, operation: str) -> None:
        client = access.role("NewYork").client("s3")
        request = {"Bucket": "access-test-models", "Key": f"models/{NEW_YORK}"}
        assert outcome(lambda: getattr(client, operation)(**request)).status == 403

    def test_the_list_of_models(self, access: Access) -> None:
        self.denied(access, "s3", "list_objects_v2", Bucket="access-test-models")

    def test_its_own_permissions(self, access: Access) -> None:
        self.denied(
            access,
            "iam",
            "put_role_policy",
            RoleName=access.deployment.role_arn("NewYork").rpartition("/")[2],
            PolicyName="more",
            PolicyDocument="{}",
        )

    def test_the_training_and_hosting_operations(self, access: Access) -> None:
        self.denied(
            access,
            "sagemaker",
            "create_endpoint",
            EndpointName="mine",
            EndpointConfigName="access-test",
        )
