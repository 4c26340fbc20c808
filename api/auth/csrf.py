"""Protection against cross-site request forgery (CSRF).

A write that is authenticated by cookie must come from a page of this server or of a trusted origin.
"""

from collections.abc import Mapping

from api.auth.errors import CrossOriginError
from core.settings import ApiSettings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Values of Sec-Fetch-Site: a page of this origin, or the user's own action, such as a bookmark.
TRUSTED_FETCH_SITES = frozenset({"same-origin", "none"})


class CsrfPolicy:
    """Decides by fetch metadata where the browser sends it, else by Origin.

    Every browser sends one of them with a write; a client that sends neither is no browser.
    """

    def __init__(self, settings: ApiSettings) -> None:
        self._trusted_origins = frozenset({settings.public_url, *settings.cors_origins})

    def require_trusted_origin(self, method: str, headers: Mapping[str, str]) -> None:
        """Raise CrossOriginError for a write sent by a page of an origin that is not trusted."""
        if method not in SAFE_METHODS and not self._is_trusted(headers):
            raise CrossOriginError(
                "This write was caused by a page of another origin. "
                "SENSORFLOW_API_PUBLIC_URL and SENSORFLOW_API_CORS_ORIGINS name those allowed."
            )

    def _is_trusted(self, headers: Mapping[str, str]) -> bool:
        origin = headers.get("origin")
        if origin in self._trusted_origins:
            return True
        site = headers.get("sec-fetch-site")
        return origin is None if site is None else site in TRUSTED_FETCH_SITES
