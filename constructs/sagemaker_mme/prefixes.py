"""What keys of a bucket begin with, and what people and roles may do below each of those."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from sagemaker_mme.problems import raise_problems


class Prefix(StrEnum):
    """The prefixes of a model store, unless its ``KeyLayout`` has others."""

    RAW = "raw/"
    """Data as it came."""
    PREPROCESSOR = "preprocessor/"
    """Artifacts of preprocessors, each below the hash of its content."""
    PREPROCESSED = "preprocessed/"
    """What a preprocessor made of the raw data; may be made again, so it expires."""
    JOBS = "jobs/"
    """Inputs and outputs of jobs; what is worth keeping is copied from here, so it expires."""
    MODELS = "models/"
    """What a multi-model endpoint serves; the target model is the part of the key behind it."""


@dataclass(frozen=True, kw_only=True)
class KeyLayout:
    """What the keys of a model store begin with, each with its slash at the end.

    What each is for stands at ``Prefix``.
    """

    raw: str = Prefix.RAW
    preprocessor: str = Prefix.PREPROCESSOR
    preprocessed: str = Prefix.PREPROCESSED
    jobs: str = Prefix.JOBS
    models: str = Prefix.MODELS

    def problems(self) -> Iterator[str]:
        """Why the prefixes do not keep things apart."""
        prefixes = list(asdict(self).values())
        yield from prefix_problems(prefixes)
        for one in prefixes:
            for other in prefixes:
                if one != other and other.startswith(one):
                    yield f"prefix '{other}' lies below '{one}', so that a grant of one is of both"
        if len(set(prefixes)) < len(prefixes):
            yield f"two prefixes of {prefixes} are the same"


class PrefixGrants:
    """Permissions on single prefixes of a bucket.

    ``IBucket.grant_read`` also gives ``s3:GetBucket*`` and ``s3:List*`` of the whole bucket. These
    grants give ``s3:GetObject`` on the prefix, ``s3:ListBucket`` for keys under it, and use of the
    bucket's key.
    """

    def __init__(self, bucket: s3.IBucket) -> None:
        self._bucket = bucket

    def read(self, grantee: iam.IGrantable, *prefixes: str) -> iam.Grant:
        """Let ``grantee`` list and read the objects under ``prefixes``, each with its slash."""
        self._refuse_wide(prefixes)
        listing = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:ListBucket"],
            resource_arns=[self._bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}},
        )
        reading = self._on_objects(grantee, ["s3:GetObject"], prefixes)
        return listing.combine(reading).combine(self._on_key(grantee, ["kms:Decrypt"]))

    def write(self, grantee: iam.IGrantable, *prefixes: str) -> iam.Grant:
        """Let ``grantee`` write objects under ``prefixes``, in parts too, but delete none."""
        self._refuse_wide(prefixes)
        writing = self._on_objects(grantee, ["s3:AbortMultipartUpload", "s3:PutObject"], prefixes)
        # SageMaker asks for kms:Encrypt where a job names the key of its output.
        key_actions = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
        return writing.combine(self._on_key(grantee, key_actions))

    def _on_objects(
        self, grantee: iam.IGrantable, actions: list[str], prefixes: Sequence[str]
    ) -> iam.Grant:
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=actions,
            resource_arns=[self._bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes],
        )

    def _on_key(self, grantee: iam.IGrantable, actions: list[str]) -> iam.Grant:
        key = self._bucket.encryption_key
        if key is None:
            return iam.Grant.drop(grantee, "the bucket has no key of its own")
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=actions, resource_arns=[key.key_arn]
        )

    def _refuse_wide(self, prefixes: Sequence[str]) -> None:
        raise_problems(self._bucket, prefix_problems(prefixes))


def prefix_problems(prefixes: Sequence[str]) -> Iterator[str]:
    """Why ``prefixes`` are not folders that can be granted."""
    if not prefixes:
        yield "no prefix given to grant; name at least one, such as 'models/'"
    for prefix in prefixes:
        if cdk.Token.is_unresolved(prefix):
            continue
        if not prefix.endswith("/") or prefix.startswith("/"):
            yield f"prefix '{prefix}' must end with a slash and not start with one"
        if "*" in prefix or "?" in prefix:
            yield f"prefix '{prefix}' holds a wildcard, which a policy would expand"
