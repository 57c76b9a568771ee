"""Publishing against a real bucket and registry: what is copied, promoted, refused, left alone."""

import hashlib
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from fleet.gate import GateRules
from fleet.publishing import Outcome, Publisher
from fleet.registry import Changes, Registry
from fleet.registry_reader import RegistryError
from fleet.versions import Candidate, State
from localaws.testing import LocalAws
from tests.local.registry.conftest import candidate

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="module")
def s3(localaws: LocalAws) -> "S3Client":
    return localaws.session().client("s3")


@pytest.fixture(scope="module")
def bucket(s3: "S3Client") -> str:
    name = f"publishing-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def publisher(registry: Registry, s3: "S3Client", bucket: str) -> Publisher:
    return Publisher(registry, s3, bucket, GateRules())


def trained(s3: "S3Client", bucket: str, city: str, body: bytes, **facts: object) -> Candidate:
    """A candidate whose artifact is in the bucket, as a job leaves it."""
    key = f"jobs/job/output/{city}/{len(body)}/model.tar.gz"
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    digest = hashlib.sha256(body).hexdigest()
    return candidate(city, digest, artifact_key=key, artifact_bytes=len(body), **facts)


def read(s3: "S3Client", bucket: str, key: str) -> bytes:
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_a_candidate_that_passes_is_copied_and_serves(
    publisher: Publisher, registry: Registry, s3: "S3Client", bucket: str
) -> None:
    (published,) = publisher.publish([trained(s3, bucket, "Pass_AA", b"one")])
    assert published.outcome is Outcome.PUBLISHED
    assert published.version is not None
    assert read(s3, bucket, published.version.key) == b"one"
    city = registry.city("Pass_AA")
    assert city is not None
    assert city.target_model == "Pass_AA/Pass_AA.tar.gz"


def test_the_bytes_that_serve_are_published_as_nothing(
    publisher: Publisher, registry: Registry, s3: "S3Client", bucket: str
) -> None:
    for _ in range(2):
        (publication,) = publisher.publish([trained(s3, bucket, "Same_AA", b"one")])
    assert publication.outcome is Outcome.UNCHANGED
    assert [version.number for version in registry.versions("Same_AA")] == [1]


def test_what_was_compared_with_a_version_that_serves_no_more_is_to_be_trained_again(
    publisher: Publisher, registry: Registry, s3: "S3Client", bucket: str
) -> None:
    publisher.publish([trained(s3, bucket, "Rival_AA", b"one")])
    compared = {"compared_with": "Rival_AA/Rival_AA.tar.gz"}
    first, second = (trained(s3, bucket, "Rival_AA", body, **compared) for body in (b"22", b"333"))
    (published,) = publisher.publish([first])
    (late,) = publisher.publish([second])
    assert published.outcome is Outcome.PUBLISHED
    assert (
        late.failure
        == "Rival_AA/Rival_AA-v2.tar.gz began to serve meanwhile; train again to compare"
    )
    assert [version.number for version in registry.versions("Rival_AA")] == [1, 2]


def test_a_refused_candidate_stays_one_until_a_person_promotes_it_by_force(
    publisher: Publisher, registry: Registry, s3: "S3Client", bucket: str
) -> None:
    worse = trained(s3, bucket, "Bad_AA", b"bad", metrics={"mae": 70_000.0})
    (publication,) = publisher.publish([worse])
    assert publication.outcome is Outcome.REFUSED
    assert "predicting the median" in publication.reason
    version = registry.version("Bad_AA", 1)
    assert version.state is State.CANDIDATE
    with pytest.raises(RegistryError, match="refused by the gate"):
        publisher.promote(version)
    Publisher(registry, s3, bucket, GateRules(), force=True).promote(version)
    assert read(s3, bucket, version.key) == b"bad"
    assert registry.version("Bad_AA", 1).verdict.forced


def test_a_key_that_a_model_of_before_the_registry_has_is_left_alone(
    publisher: Publisher, registry: Registry, s3: "S3Client", bucket: str
) -> None:
    s3.put_object(Bucket=bucket, Key="models/Old_AA/Old_AA.tar.gz", Body=b"old")
    (publication,) = publisher.publish([trained(s3, bucket, "Old_AA", b"new")])
    assert publication.version is not None
    assert publication.version.number == 2
    assert read(s3, bucket, "models/Old_AA/Old_AA.tar.gz") == b"old"
    assert [version.number for version in registry.versions("Old_AA")] == [2]


def test_an_artifact_that_is_gone_fails_its_own_city_alone(
    publisher: Publisher, s3: "S3Client", bucket: str
) -> None:
    lost = candidate("Lost_AA", artifact_key="jobs/expired/model.tar.gz")
    publications = publisher.publish([lost, trained(s3, bucket, "There_AA", b"one")])
    outcomes = {publication.city: publication.outcome for publication in publications}
    assert outcomes == {"Lost_AA": Outcome.FAILED, "There_AA": Outcome.PUBLISHED}


def test_a_run_that_ended_between_the_copy_and_its_record_is_gone_on_with(
    publisher: Publisher, registry: Registry, s3: "S3Client", bucket: str
) -> None:
    resumed = trained(s3, bucket, "Resume_AA", b"one")
    s3.put_object(
        Bucket=bucket,
        Key="models/Resume_AA/Resume_AA.tar.gz",
        Body=b"one",
        Metadata={"sha256": resumed.artifact_digest},
    )
    (published,) = publisher.publish([resumed])
    assert published.target_model == "Resume_AA/Resume_AA.tar.gz"
    assert registry.version("Resume_AA", 1).state is State.SERVING


class Overtaken(Registry):
    """Somebody else does something between a run's copies and their record, once."""

    def __init__(self, localaws: LocalAws, table: str, meanwhile: Callable[[], object]) -> None:
        super().__init__(localaws.session().client("dynamodb"), table)
        self._meanwhile = [meanwhile]

    def introduce(self, *arguments: Any, **options: Any) -> Changes:
        while self._meanwhile:
            self._meanwhile.pop()()
        return super().introduce(*arguments, **options)


Overtaking = Callable[[Candidate], Publisher]


@pytest.fixture
def overtaken_by(
    publisher: Publisher, s3: "S3Client", bucket: str, localaws: LocalAws, table: str
) -> Overtaking:
    """A publisher while whose run somebody else publishes another candidate."""

    def make(other: Candidate) -> Publisher:
        registry = Overtaken(localaws, table, lambda: publisher.publish([other]))
        return Publisher(registry, s3, bucket, GateRules())

    return make


def test_of_two_that_publish_a_city_at_the_same_time_the_second_is_told(
    overtaken_by: Overtaking, registry: Registry, s3: "S3Client", bucket: str
) -> None:
    late = overtaken_by(trained(s3, bucket, "Overtaken_AA", b"first"))
    (second,) = late.publish([trained(s3, bucket, "Overtaken_AA", b"second")])
    assert second.outcome is Outcome.FAILED
    assert "somebody else" in second.reason
    (only,) = registry.versions("Overtaken_AA")
    assert read(s3, bucket, only.key) == b"first"


def test_of_two_that_publish_the_same_bytes_at_the_same_time_both_end_well(
    overtaken_by: Overtaking, registry: Registry, s3: "S3Client", bucket: str
) -> None:
    twice = trained(s3, bucket, "Twins_AA", b"one")
    (second,) = overtaken_by(twice).publish([twice])
    assert second.outcome is Outcome.UNCHANGED
    assert second.target_model == "Twins_AA/Twins_AA.tar.gz"
    assert [version.number for version in registry.versions("Twins_AA")] == [1]


def test_a_number_that_somebody_draws_meanwhile_is_passed_over(
    overtaken_by: Overtaking, registry: Registry, s3: "S3Client", bucket: str
) -> None:
    worse = trained(s3, bucket, "Drawn_AA", b"worse", metrics={"mae": 70_000.0})
    better = trained(s3, bucket, "Drawn_AA", b"better")
    (published,) = overtaken_by(worse).publish([better])
    assert published.outcome is Outcome.PUBLISHED
    states = {version.number: version.state for version in registry.versions("Drawn_AA")}
    assert states == {1: State.CANDIDATE, 2: State.SERVING}
    with pytest.raises(RegistryError, match=r"Drawn_AA\.tar\.gz holds another model"):
        Publisher(registry, s3, bucket, GateRules(), force=True).promote(
            registry.version("Drawn_AA", 1)
        )


def test_old_versions_expire_and_what_serves_and_what_served_before_it_stay(
    publisher: Publisher, registry: Registry, s3: "S3Client", bucket: str
) -> None:
    for number in range(1, 6):
        publisher.publish([trained(s3, bucket, "Many_AA", b"x" * number)])
    registry.rollback("Many_AA")
    registry.rollback("Many_AA")  # to 3, with 2 before it
    assert [version.number for version in publisher.expire(["Many_AA"], keep=1)] == [1, 4]
    assert publisher.expire(["Many_AA", "Never_AA"], keep=1) == []
    states = {version.number: version.state for version in registry.versions("Many_AA")}
    assert [number for number, state in states.items() if state is State.DELETED] == [1, 4]
    keys = s3.list_objects_v2(Bucket=bucket, Prefix="models/Many_AA/")["Contents"]
    assert len(keys) == 3
