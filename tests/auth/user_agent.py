"""A user's browser without a page: it stores cookies and follows redirects step by step."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urljoin

import httpx2

TEST_USER = ("test-user", "test-1234")
RADIX = ("radix", "Radix2024@")


class UserAgent:
    """Follows redirects until one leads to our callback, and stops before that one."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http

    async def begin(self, path: str = "/auth/login") -> httpx2.Response:
        return await self.follow(await self.http.get(path))

    async def submit(self, page: httpx2.Response, **fields: str) -> httpx2.Response:
        return await self.follow(
            await self.http.post(page.url, data={"action": "continue", **fields})
        )

    async def log_in(
        self, username: str, password: str, path: str = "/auth/login"
    ) -> httpx2.Response:
        """The page after the provider's login form, which is not shown to a signed-in user."""
        page = await self.begin(path)
        if leads_to_callback(page):
            return page
        return await self.submit(page, username=username, password=password)

    async def callback_url(self, username: str, password: str, path: str = "/auth/login") -> str:
        """The URL of our callback to which the provider redirects, not requested yet."""
        page = await self.log_in(username, password, path)
        if not leads_to_callback(page):
            page = await self.submit(page)
        assert leads_to_callback(page), page.text
        return page.headers["location"]

    async def sign_in(
        self, username: str, password: str, path: str = "/auth/login"
    ) -> httpx2.Response:
        """The response of our callback."""
        return await self.http.get(await self.callback_url(username, password, path))

    async def follow(self, response: httpx2.Response) -> httpx2.Response:
        while response.is_redirect and not leads_to_callback(response):
            response = await self.http.get(urljoin(str(response.url), response.headers["location"]))
        return response

    @property
    def session_cookie(self) -> str | None:
        return self.http.cookies.get("Authentication")


def leads_to_callback(response: httpx2.Response) -> bool:
    return "/auth/callback?" in response.headers.get("location", "")


@asynccontextmanager
async def user_agent_at(base_url: str) -> AsyncIterator[UserAgent]:
    async with httpx2.AsyncClient(base_url=base_url, timeout=20) as http:
        yield UserAgent(http)


async def password_login(http: httpx2.AsyncClient, username: str, password: str) -> httpx2.Response:
    return await http.post("/auth/login", auth=(username, password))


def session_header(cookie: str | None) -> dict[str, str]:
    """The header that carries a session cookie."""
    return {"Cookie": f"Authentication={cookie}"}


def bearer_header(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def me(base_url: str, headers: dict[str, str]) -> httpx2.Response:
    """The response of /auth/me to a request with only these headers."""
    async with httpx2.AsyncClient(base_url=base_url) as http:
        return await http.get("/auth/me", headers=headers)
