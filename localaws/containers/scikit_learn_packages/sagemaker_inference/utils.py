"""Helpers of the toolkit."""


def parse_accept(accept: str) -> list[str]:
    """The content types of an Accept header, without their parameters."""
    return [part.split(";")[0].strip() for part in accept.split(",")]
