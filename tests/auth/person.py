"""A person at a browser that keeps cookies and is sent back and forth, one step at a time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urljoin

import httpx2

TEST_USER = ("test-user", "test-1234")
RADIX = ("radix", "Radix2024@")


class Person:
    """Follows redirects until one leads to our callback, and stops before it."""

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
        """The page after the provider's form, which the provider leaves out for whom it knows."""
        page = await self.begin(path)
        if leads_to_callback(page):
            return page
        return await self.submit(page, username=username, password=password)

    async def callback_url(self, username: str, password: str, path: str = "/auth/login") -> str:
        """Where the provider sends the browser in the end, not yet visited."""
        page = await self.log_in(username, password, path)
        if not leads_to_callback(page):
            page = await self.submit(page)
        assert leads_to_callback(page), page.text
        return page.headers["location"]

    async def sign_in(
        self, username: str, password: str, path: str = "/auth/login"
    ) -> httpx2.Response:
        """The answer of our callback."""
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
async def person_at(base_url: str) -> AsyncIterator[Person]:
    async with httpx2.AsyncClient(base_url=base_url, timeout=20) as http:
        yield Person(http)


async def password_login(http: httpx2.AsyncClient, username: str, password: str) -> httpx2.Response:
    return await http.post("/auth/login", auth=(username, password))


def holding(cookie: str | None) -> dict[str, str]:
    """The header of a request by who holds this session's cookie."""
    return {"Cookie": f"Authentication={cookie}"}


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def me(base_url: str, headers: dict[str, str]) -> httpx2.Response:
    """Who the server takes a caller with only these headers for."""
    async with httpx2.AsyncClient(base_url=base_url) as http:
        return await http.get("/auth/me", headers=headers)
