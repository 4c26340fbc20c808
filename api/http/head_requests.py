from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, ReceiveMessage, Scope, Send


class HeadRequests:
    """ASGI middleware that answers HEAD as GET without its body, wherever there is a GET."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; any other method passes through."""
        if scope["type"] == ScopeType.HTTP and scope["method"] == "HEAD":
            await self._respond(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _respond(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        completed = False

        async def send_without_body(message: Message) -> None:
            nonlocal completed
            if message["type"] != "http.response.body":
                await send(message)
            elif not completed:
                completed = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        async def receive_until_completed() -> ReceiveMessage:
            # A disconnect ends the streams that would go on after the response was completed.
            return {"type": "http.disconnect"} if completed else await receive()

        await self._app({**scope, "method": "GET"}, receive_until_completed, send_without_body)
