"""`next` redirects to a path of this server only."""

import pytest

from api.auth.errors import InvalidReturnPathError
from api.auth.redirect_target import validated_redirect_target
from tests.auth.user_agent import UserAgent

ELSEWHERE = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%5Cevil.example",
    "/%255Cevil.example",
    "%2F%2Fevil.example",
    "/%2Fevil.example",
    "/%252Fevil.example",
    "/\t/evil.example",
    "/%09/evil.example",
    "/\n/evil.example",
    "/docs%0d%0aSet-Cookie:x=y",
    "javascript:alert(1)",
    "data:text/html,x",
    "docs",
    "",
    " /docs",
    "@evil.example",
    ".evil.example",
    "/" + "x" * 2048,
    "/%" + "25" * 12 + "2F",
    "http:evil.example",
    "/\x00/evil.example",
]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_a_target_that_could_lead_to_another_server_is_refused(path: str) -> None:
    with pytest.raises(InvalidReturnPathError):
        validated_redirect_target(path)


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/docs?x=1&y=2#z", "/imports?cursor=a%2Bb", "/ü", "/a b", "/a:b@c"]
)
def test_a_path_of_this_server_is_accepted(path: str) -> None:
    assert validated_redirect_target(path) == path


@pytest.mark.parametrize("path", ["https://evil.example", "//evil.example", "/%5Cevil.example"])
async def test_a_sign_in_with_such_a_target_is_refused(user: UserAgent, path: str) -> None:
    response = await user.http.get("/auth/login", params={"next": path})
    assert (response.status_code, response.json()["code"]) == (400, "invalid_return_path")
