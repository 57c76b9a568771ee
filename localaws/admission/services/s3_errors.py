"""Errors that S3 has for many operations."""

import re

from botocore.model import StructureShape

from localaws.admission.reading import MALFORMED_XML
from localaws.errors import AwsError

_PLACE = re.compile(r"' at '([A-Za-z]+)[^']*' failed to satisfy")
_CODES = {
    "createBucketConfiguration": "InvalidLocationConstraint",
    "storageClass": "InvalidStorageClass",
}


def malformed_xml() -> AwsError:
    """The refusal of a body that is not written as its schema says."""
    return AwsError("MalformedXML", MALFORMED_XML)


def invalid_argument(text: str) -> AwsError:
    """The refusal of one value."""
    return AwsError("InvalidArgument", text)


def s3_code(shape: StructureShape | None, problems: str) -> str:
    """What S3 calls a request that breaks its model: by whether a header does, or the body."""
    found = _PLACE.search(problems)
    place = found[1] if found else ""
    if place in _CODES:
        return _CODES[place]
    for name, member in shape.members.items() if shape else ():
        if "location" in member.serialization and name[:1].lower() + name[1:] == place:
            return "InvalidArgument"
    return "MalformedXML"
