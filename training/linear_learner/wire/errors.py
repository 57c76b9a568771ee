"""What is answered to rows that cannot be read."""


class RequestError(ValueError):
    """A request that the container answers with an error, or with nothing.

    Attributes:
        status: the HTTP status.
        message: the body of the answer, as the service's container gives it: the client sees it
            inside a ModelError.
        detail: what was wrong; the container says it in its log only.
    """

    def __init__(self, status: int, message: str, detail: str = "") -> None:
        super().__init__(detail or message)
        self.status = status
        self.message = message
        self.detail = detail

    @classmethod
    def not_evaluable(cls, detail: str) -> "RequestError":
        """A body that is not what its content type says, or does not fit the model."""
        return cls(400, "unable to evaluate payload provided", detail)


class DataError(ValueError):
    """A file of a training channel that cannot be read; names file, row and column."""
