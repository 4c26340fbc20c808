"""Headers that restrict what browsers and proxies do with a response."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from api.http.content_security_policy import NOWHERE
from api.http.forwarded import Headers, outermost

POLICY = b"content-security-policy"
CACHE_CONTROL = b"cache-control"

# Where a response has no policy of its own: a page loads and runs nothing, and nothing is framed.
OF_A_PAGE = (POLICY, f"default-src 'none'; {NOWHERE}".encode())
OF_OTHERS = (POLICY, b"frame-ancestors 'none'")

# Where a response says nothing of it: shared caches do not know who may see what, so they store
# nothing, and a browser asks again, with the cookie that it has then.
ASK_AGAIN = (CACHE_CONTROL, b"private, no-cache")

EVERYWHERE = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),  # for browsers that do not know frame-ancestors
    # Not `no-referrer`, with which browsers hide the Origin of a write from this server too.
    (b"referrer-policy", b"same-origin"),
)
STRICT_TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=31536000")


class SecurityHeaders:
    """ASGI middleware that adds them to every response; a policy of the response's own stays."""

    def __init__(self, app: ASGIApp, trusted_proxies: int) -> None:
        self._app = app
        self._trusted_proxies = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; anything but HTTP passes through."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], *EVERYWHERE, *_missing(message["headers"])]
                if self._is_https(scope):
                    headers.append(STRICT_TRANSPORT_SECURITY)
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _is_https(self, scope: HTTPScope) -> bool:
        """Whether the client's request came encrypted to this server or to a trusted proxy."""
        scheme, headers = scope["scheme"], scope["headers"]
        return outermost(scheme, headers, b"x-forwarded-proto", self._trusted_proxies) == "https"


def _missing(headers: Headers) -> list[tuple[bytes, bytes]]:
    """What the response does not say itself of its policy and of caching."""
    policy, caching = [OF_OTHERS], [ASK_AGAIN]
    for name, value in headers:
        if name == CACHE_CONTROL:
            caching = []
        elif name == POLICY:
            policy = []
        elif name == b"content-type" and policy and value.startswith(b"text/html"):
            policy = [OF_A_PAGE]
    return policy + caching
