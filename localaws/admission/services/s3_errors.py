"""Errors that S3 has for many operations."""

from localaws.admission.reading import MALFORMED_XML
from localaws.errors import AwsError


def malformed_xml() -> AwsError:
    """The refusal of a body that is not written as its schema says."""
    return AwsError("MalformedXML", MALFORMED_XML)


def invalid_argument(text: str) -> AwsError:
    """The refusal of one value."""
    return AwsError("InvalidArgument", text)
