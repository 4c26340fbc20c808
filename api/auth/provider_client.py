"""HTTP clients for the identity provider, whose responses are bounded in time and size."""

import asyncio
from typing import Any

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client

TIMEOUT_SECONDS = 5.0  # from the start of the request to the last byte of the response
MAX_RESPONSE_BYTES = 2**20  # the largest documents of providers have a tenth of it


class ProviderClient(httpx2.AsyncClient):
    """Raises httpx2's errors, also for a response that takes too long or is too large."""

    async def send(
        self, request: httpx2.Request, *, stream: bool = False, **options: Any
    ) -> httpx2.Response:
        """Send the request and read the response, whether a `stream` is wanted or not."""
        del stream
        request.headers["Accept-Encoding"] = "identity"
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                response = await super().send(request, stream=True, **options)
                try:
                    content = await _read(response)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            message = f"the response took more than {TIMEOUT_SECONDS:.0f} s"
            raise httpx2.ReadTimeout(message, request=request) from error
        return httpx2.Response(
            response.status_code, headers=response.headers, content=content, request=request
        )


class OAuthClient(AsyncOAuth2Client, ProviderClient):
    """Authlib's client over a ProviderClient."""


async def _read(response: httpx2.Response) -> bytes:
    if response.headers.get("content-encoding", "identity") != "identity":
        message = "the response is compressed, which was not asked for"
        raise httpx2.DecodingError(message, request=response.request)
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > MAX_RESPONSE_BYTES:
            message = f"the response has more than {MAX_RESPONSE_BYTES} bytes"
            raise httpx2.ReadError(message, request=response.request)
    return bytes(content)
