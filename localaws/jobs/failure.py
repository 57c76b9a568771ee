"""How a job fails, in the words of DescribeTrainingJob and DescribeTransformJob."""

MAXIMUM_LENGTH = 1024
"""Longest FailureReason of DescribeTrainingJob, in characters."""


class JobError(Exception):
    """A job ends as Failed; the text becomes its FailureReason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason[:MAXIMUM_LENGTH])


def client_error(text: str) -> JobError:
    """A failure that the customer's input caused."""
    return JobError(f"ClientError: {text}")


def algorithm_error(text: str) -> JobError:
    """A failure inside the container."""
    return JobError(f"AlgorithmError: {text}")


def internal_error(text: str) -> JobError:
    """A failure of the service itself."""
    return JobError(f"InternalServerError: {text}")
