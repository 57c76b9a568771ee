"""The one exception that becomes an AWS error response."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(eq=False)
class AwsError(Exception):
    """An error as an AWS client sees it.

    Parameters
    ----------
    code
        The error code, for example ``ValidationException``.
    message
        The text shown to the caller; one line.
    status
        HTTP status.
    fields
        Further members of the error body, for example ``OriginalStatusCode`` of ``ModelError``.
    """

    code: str
    message: str
    status: int = 400
    fields: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
