"""Clients of this localaws under its administrator's key, for what the page asks."""

from functools import cached_property
from typing import Any

import botocore.session
from botocore.config import Config

from localaws.state import State

TIMEOUT_SECONDS = 30


class Clients:
    """Clients of this localaws under its administrator's key."""

    def __init__(self, state: State, endpoint_url: str) -> None:
        self._state = state
        self._endpoint_url = endpoint_url
        self._made: dict[str, Any] = {}

    @cached_property
    def _session(self) -> botocore.session.Session:
        return botocore.session.Session()

    def of(self, service: str) -> Any:
        """The client of a service."""
        if service not in self._made:
            self._made[service] = self._make(service)
        return self._made[service]

    def _make(self, service: str) -> Any:
        return self._session.create_client(
            service,
            region_name=self._state.region,
            endpoint_url=self._endpoint_url,
            aws_access_key_id=self._state.credentials.access_key_id,
            aws_secret_access_key=self._state.credentials.secret_access_key,
            config=Config(
                proxies={},
                connect_timeout=TIMEOUT_SECONDS,
                read_timeout=TIMEOUT_SECONDS,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
            ),
        )
