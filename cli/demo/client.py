"""The demo as a machine client: requests a token, uploads files, posts readings."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from authlib.integrations.httpx_client import OAuth2Client

from embedded.identity import read_accounts

CLIENT_ID = "sensor-gateway"
SCOPES = "readings:write readings:read imports:write imports:read"

Progress = Callable[[Mapping[str, Any]], None]


class DemoClient:
    """A machine client of the running API; its token is renewed when it expires."""

    def __init__(self, api_url: str, issuer: str) -> None:
        self._http = OAuth2Client(
            CLIENT_ID,
            read_accounts().client_secrets[CLIENT_ID],
            scope=SCOPES,
            token_endpoint=f"{issuer}/token",
            grant_type="client_credentials",
            base_url=api_url,
            timeout=60,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def sign_in(self) -> None:
        """Fetch the first token by client credentials."""
        self._http.fetch_token()

    def import_csv(self, name: str, content: bytes, progress: Progress) -> Mapping[str, Any]:
        """Upload a file and wait until its rows are visible; returns the finished import.

        `progress` is called with the import each time it is polled.
        """
        response = self._http.post("/sensor-data/upload-csv", files={"file": (name, content)})
        response.raise_for_status()
        import_id = response.json()["importId"]
        while (state := self._import(import_id))["state"] not in ("done", "failed", "cancelled"):
            progress(state)
            time.sleep(0.2)
        progress(state)
        return state

    def post_reading(self, equipment_id: str, ts: datetime, value: float) -> None:
        """Send one reading, as a sensor would."""
        reading = {"equipmentId": equipment_id, "timestamp": ts.isoformat(), "value": value}
        self._http.post("/sensor-data", json=reading).raise_for_status()

    def totals(self, interval: str) -> Mapping[str, Any]:
        """The aggregates of one of the four windows."""
        response = self._http.get("/sensor-data/aggregated", params={"interval": interval})
        response.raise_for_status()
        body: Mapping[str, Any] = response.json()
        return body

    def _import(self, import_id: str) -> Mapping[str, Any]:
        response = self._http.get(f"/imports/{import_id}")
        response.raise_for_status()
        body: Mapping[str, Any] = response.json()
        return body
