"""What models are trained with; without numpy, for whoever asks for jobs and runs none."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

DIGEST_LENGTH = 16
ETAG = "etag:"
"""In a fingerprint's front where it is an object's ETag: the bytes were not read."""
LINEAR_LEARNER_DEFAULTS: Mapping[str, str] = {
    "mini_batch_size": "100",
    "epochs": "10",
    "num_models": "32",
}
"""The notebook's hyperparameters, beside those that the schema decides."""


@dataclass(frozen=True)
class Recipe:
    """What all cities of a job are trained with.

    ``test_share`` of a city's rows are left out, and ``validation_share`` of the others select the
    model.
    """

    hyperparameters: Mapping[str, str]
    solver: str = "linear-learner"
    test_share: float = 0.1
    validation_share: float = 0.3

    @property
    def digest(self) -> str:
        """Equal recipes make equal models of equal rows."""
        values = [dict(self.hyperparameters), self.solver, self.test_share, self.validation_share]
        return digest(json.dumps(values, sort_keys=True).encode())


def digest(data: bytes) -> str:
    """The first half of the SHA-256."""
    return hashlib.sha256(data).hexdigest()[:DIGEST_LENGTH]
