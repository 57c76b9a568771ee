"""Identity tokens of OIDC providers, such as GitHub's, played by localaws.

No provider's keys can be fetched here. So localaws signs such tokens itself, for whoever holds the
state folder, and takes no others. https://www.rfc-editor.org/rfc/rfc7519
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localaws.errors import AwsError
from localaws.files import write_atomically

GITHUB = "https://token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"


class TokenIssuer:
    """Signs tokens with the key in ``file``, which it makes, and knows its own again."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def sign(self, *, issuer: str, subject: str, audience: str, seconds: float) -> str:
        """A token that ends after ``seconds``."""
        now = int(time.time())
        claims = {"iss": issuer, "sub": subject, "aud": audience, "iat": now}
        parts = ({"alg": "HS256", "typ": "JWT"}, claims | {"exp": int(now + seconds)})
        text = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
        return f"{text}.{_encoded(self._signature(text))}"

    def claims(self, token: str) -> Mapping[str, Any]:
        """What a token says.

        Raises
        ------
        AwsError
            InvalidIdentityToken for one of another's, ExpiredTokenException for one that ended.
        """
        text, _, signature = token.rpartition(".")
        if not hmac.compare_digest(_encoded(self._signature(text)).encode(), signature.encode()):
            raise AwsError(
                "InvalidIdentityToken",
                "The ID Token provided is not a valid JWT that localaws signed; `localaws token`"
                " makes one.",
            )
        claims: dict[str, Any] = json.loads(_decoded(text.partition(".")[2]))
        if claims["exp"] <= time.time():
            raise AwsError("ExpiredTokenException", "Token is expired")
        return claims

    def _signature(self, text: str) -> bytes:
        if not self._file.exists():
            write_atomically(self._file, secrets.token_bytes(32), mode=0o600)
        return hmac.digest(self._file.read_bytes(), text.encode(), hashlib.sha256)


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
