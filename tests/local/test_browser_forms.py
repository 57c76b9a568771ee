"""Forms that browsers send to S3, signed beforehand by somebody who may."""

from typing import Any

import pytest
import urllib3
from botocore.config import Config

from localaws.testing import LocalAws

BUCKET = "forms-of-browsers"
Form = dict[str, Any]


@pytest.fixture(scope="module")
def s3(localaws: LocalAws) -> Any:
    client = localaws.session().client("s3")
    client.create_bucket(Bucket=BUCKET)
    return client


def sent(form: Form, body: bytes = b"hello") -> tuple[int, str]:
    fields = {**form["fields"], "file": ("a.txt", body)}
    answer = urllib3.PoolManager().request("POST", form["url"], fields=fields)
    return answer.status, answer.data.decode()


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_signed_form_puts_its_object(localaws: LocalAws, s3: Any, version: str) -> None:
    signer = localaws.session().client("s3", config=Config(signature_version=version))
    form = signer.generate_presigned_post(BUCKET, f"{version}/${{filename}}")
    assert sent(form)[0] == 204
    assert s3.get_object(Bucket=BUCKET, Key=f"{version}/a.txt")["Body"].read() == b"hello"


@pytest.mark.parametrize(
    ("changes", "options", "refused"),
    [
        ({"key": "other"}, {}, (403, "Policy Condition failed")),
        ({"policy": "e30="}, {}, (403, "SignatureDoesNotMatch")),
        ({"x-amz-meta-more": "1"}, {}, (403, "Extra input fields")),
        ({}, {"ExpiresIn": -5}, (403, "Policy expired")),
        ({}, {"Conditions": [["content-length-range", 0, 3]]}, (400, "EntityTooLarge")),
    ],
)
def test_a_form_is_taken_as_its_signer_meant_it(
    s3: Any, changes: Form, options: dict[str, Any], refused: tuple[int, str]
) -> None:
    form = s3.generate_presigned_post(BUCKET, "one", **options)
    status, text = sent({"url": form["url"], "fields": {**form["fields"], **changes}})
    assert (status, refused[1] in text) == (refused[0], True)


def test_a_form_without_a_signature_is_refused(s3: Any) -> None:
    form = s3.generate_presigned_post(BUCKET, "one")
    assert sent({"url": form["url"], "fields": {"key": "one"}})[0] == 403


def test_a_form_may_what_its_signer_may(localaws: LocalAws, s3: Any) -> None:
    iam = localaws.session().client("iam")
    iam.create_user(UserName="form-signer")
    key = iam.create_access_key(UserName="form-signer")["AccessKey"]
    signer = localaws.session().client(
        "s3",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    status, text = sent(signer.generate_presigned_post(BUCKET, "one"))
    assert (status, "AccessDenied" in text) == (403, True)
