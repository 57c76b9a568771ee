"""Forms that a browser sends to S3: who may is who signed the form's policy.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import s3

from localaws.ministack import patches
from localaws.ministack.iam.enforcement import form_signer

Check = Callable[..., Any]


def install() -> None:
    """Say who signed while MiniStack checks the signature, the policy, and what the signer may."""
    patches.replace(s3, "_enforce_signed_post_policy", _naming_the_signer)


def _naming_the_signer(check: Check) -> Check:
    def checked(fields: Mapping[str, str], *further: Any, **named: Any) -> Any:
        credential = fields.get("x-amz-credential") or fields.get("awsaccesskeyid", "")
        token = form_signer.set(credential.partition("/")[0])
        try:
            return check(fields, *further, **named)
        finally:
            form_signer.reset(token)

    return checked
