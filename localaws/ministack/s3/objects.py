"""S3 as one role sees it: every call authorized with the role's policies and the bucket's."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ministack.core.responses import request_scope
from ministack.services import s3

from iam_policy import ContextValue, PolicySet, Principal
from localaws.authorization import Authorizer, Identity
from localaws.backend import ObjectSummary
from localaws.errors import AwsError
from localaws.ministack.iam.enforcement import object_denial
from localaws.ministack.s3.object_files import same_bytes


@dataclass(frozen=True)
class RoleObjectStore:
    """An ``ObjectStore``; ``loop`` is the event loop on which MiniStack's handlers run."""

    identity: Identity
    region: str
    authorizer: Authorizer
    loop: asyncio.AbstractEventLoop
    touched: Callable[[str], None]

    def list_objects(self, bucket: str, prefix: str) -> list[ObjectSummary]:
        """All objects under a prefix."""
        self.require("s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": prefix})
        objects: list[ObjectSummary] = []
        query = {"list-type": ["2"], "prefix": [prefix]}
        while True:
            page = _without_namespaces(self._request("GET", f"/{bucket}", query=query))
            objects += [_summary(element) for element in page.iter("Contents")]
            token = page.findtext("NextContinuationToken")
            if token is None:
                return objects
            query = {**query, "continuation-token": [token]}

    def get_object(self, bucket: str, key: str) -> bytes:
        """The bytes of an object."""
        self.require("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
        # On this thread: a job that reads thousands of objects is not to pass through the event
        # loop with each. What is not simply there is answered by MiniStack's handler.
        with request_scope(self.identity.principal.account_id, self.region):
            body: bytes | None = s3._get_object_data(bucket, key)
        if body:
            return body
        try:
            return self._request("GET", f"/{bucket}/{key}")
        except AwsError as error:
            if error.code == "NoSuchKey":
                # Who may not list does not learn whether an object exists.
                self.require("s3:ListBucket", f"arn:aws:s3:::{bucket}")
            raise

    def put_object(self, bucket: str, key: str, body: bytes, same: Path | None = None) -> None:
        """Write an object, encrypted as the bucket's settings say."""
        self.require("s3:PutObject", f"arn:aws:s3:::{bucket}/{key}")
        self._request("PUT", f"/{bucket}/{key}", body=body, same=same)
        self.touched("s3")

    def location(self, bucket: str) -> None:
        """Raise ``AwsError`` NoSuchBucket unless the bucket is there."""
        self._request("GET", f"/{bucket}", query={"location": [""]})

    def require(
        self, action: str, resource: str, context: Mapping[str, ContextValue] | None = None
    ) -> None:
        """Raise ``AwsError`` AccessDenied unless the role may, the KMS key included."""
        denial = object_denial(
            self.authorizer, self.identity, action, resource, context or {}, self.region
        )
        if denial is not None:
            raise AwsError("AccessDenied", denial, 403)

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, list[str]] | None = None,
        body: bytes = b"",
        same: Path | None = None,
    ) -> bytes:
        """The body of S3's answer."""
        coroutine = self._handle(method, path, body, dict(query or {}), same)
        status, content = asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()
        if status >= 400:
            raise _error(status, content)
        return content

    async def _handle(
        self,
        method: str,
        path: str,
        body: bytes,
        query: dict[str, list[str]],
        same: Path | None,
    ) -> tuple[int, bytes]:
        same_bytes.set(same)  # of this task alone
        with request_scope(self.identity.principal.account_id, self.region):
            answer: tuple[int, dict[str, str], Any] = await s3.handle_request(
                method, path, {}, body, query, enforce_bucket_region=False, internal=True
            )
        status, _, content = answer
        return status, content if isinstance(content, bytes) else str(content).encode()


@dataclass(frozen=True)
class ServiceObjectStore:
    """A ``ServiceStore``: one bucket, used by a service."""

    objects: RoleObjectStore
    bucket: str

    def check(self, folder: str) -> None:
        """See ``ServiceStore``."""
        self.objects.require("s3:GetBucketAcl", f"arn:aws:s3:::{self.bucket}")
        self.objects.require("s3:PutObject", f"arn:aws:s3:::{self.bucket}/{folder}any")
        self.objects.location(self.bucket)

    def put_object(self, key: str, body: bytes) -> None:
        """Write an object."""
        self.objects.put_object(self.bucket, key, body)


def service_identity(service: str, account_id: str, source_arn: str) -> Identity:
    """A service that acts for a resource; what it may, policies of resources say.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    context: dict[str, ContextValue] = {
        "aws:PrincipalIsAWSService": "true",
        "aws:SourceAccount": account_id,
        "aws:SourceArn": source_arn,
        "s3:x-amz-acl": "bucket-owner-full-control",
    }
    return Identity(Principal(service, account_id, service=service), PolicySet(), context)


def _summary(element: ElementTree.Element) -> ObjectSummary:
    return ObjectSummary(
        element.findtext("Key", ""),
        int(element.findtext("Size", "0")),
        element.findtext("ETag", "").strip('"'),
    )


def _error(status: int, body: bytes) -> AwsError:
    try:
        document = _without_namespaces(body)
    except ElementTree.ParseError:
        return AwsError("InternalError", f"S3 answered {status}", status)
    code, message = document.findtext("Code", ""), document.findtext("Message", "")
    return AwsError(code, message, status)


def _without_namespaces(document: bytes | str) -> ElementTree.Element:
    root = ElementTree.fromstring(document)  # noqa: S314 - MiniStack's own answer
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root
