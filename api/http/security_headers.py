"""Headers that restrict what a browser does with a response."""

from collections.abc import Iterable

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

Headers = Iterable[tuple[bytes, bytes]]

POLICY = b"content-security-policy"

# Where a response has no policy of its own: a page loads and runs nothing, and nothing is framed.
OF_A_PAGE = (
    POLICY,
    b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)
OF_OTHERS = (POLICY, b"frame-ancestors 'none'")

STRICT_TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=31536000")

EVERYWHERE = (
    (b"x-content-type-options", b"nosniff"),
    # Not `no-referrer`, with which browsers hide the Origin of a write from this server too.
    (b"referrer-policy", b"same-origin"),
)


class SecurityHeaders:
    """ASGI middleware that adds them to every response; a policy of the response's own stays."""

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self._app = app
        self._added = (*EVERYWHERE, STRICT_TRANSPORT_SECURITY) if is_https else EVERYWHERE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; anything but HTTP passes through."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], *self._added]
                if policy := _missing_policy(headers):
                    headers.append(policy)
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _missing_policy(headers: Headers) -> tuple[bytes, bytes] | None:
    policy = OF_OTHERS
    for name, value in headers:
        if name == POLICY:
            return None
        if name == b"content-type" and value.startswith(b"text/html"):
            policy = OF_A_PAGE
    return policy
