"""Errors as the protocols write them."""

import json
from xml.etree.ElementTree import fromstring

import pytest

from localaws.error_documents import error_document
from localaws.errors import AwsError

HOSTILE = "a & b <c> \x01 \ud800 é"
ERROR = AwsError("ValidationError", HOSTILE)


@pytest.mark.parametrize("service", ["cloudformation", "iam", "s3"])
def test_any_text_makes_xml_that_can_be_read(service: str) -> None:
    fields, body = error_document(service, {}, ERROR, "id")
    message = next(fromstring(body).iter("Message"))
    assert message.text == "a & b <c> ? ? é"
    assert fields["Content-Type"] == "application/xml"


def test_s3_has_its_error_at_the_root() -> None:
    _, body = error_document("s3", {}, ERROR, "id")
    assert fromstring(body).tag == "Error"


@pytest.mark.parametrize(("service", "target"), [("kms", "TrentService.Encrypt"), ("lambda", "")])
def test_json_has_the_code_in_a_header_too(service: str, target: str) -> None:
    headers = {"x-amz-target": target} if target else {}
    fields, body = error_document(service, headers, ERROR, "id")
    assert json.loads(body)["message"] == HOSTILE
    assert fields["x-amzn-errortype"] == "ValidationError"
