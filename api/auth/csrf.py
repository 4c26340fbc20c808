"""Writes that come with a cookie must come from a page of this server or of one it trusts."""

from collections.abc import Mapping

from api.auth.errors import CrossOriginError
from core.settings import ApiSettings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OF_THE_USER = frozenset({"same-origin", "none"})


class OriginPolicy:
    """Fetch metadata where the browser sends it, Origin where not; no browser sends neither."""

    def __init__(self, settings: ApiSettings) -> None:
        self._trusted = frozenset({settings.public_url, *settings.cors_origins})

    def require_own_page(self, method: str, headers: Mapping[str, str]) -> None:
        """Raise CrossOriginError for a write that a foreign page caused."""
        if method not in SAFE_METHODS and not self._is_trusted(headers):
            raise CrossOriginError(
                "This write was caused by a page of another origin. "
                "SENSORFLOW_API_PUBLIC_URL and SENSORFLOW_API_CORS_ORIGINS name those allowed."
            )

    def _is_trusted(self, headers: Mapping[str, str]) -> bool:
        origin = headers.get("origin")
        if origin in self._trusted:
            return True
        site = headers.get("sec-fetch-site")
        return origin is None if site is None else site in OF_THE_USER
