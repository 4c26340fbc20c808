"""`next` leads to a path of this server and nowhere else."""

import pytest

from api.auth.errors import InvalidReturnPathError
from api.auth.redirect_target import safe_return_path
from tests.auth.person import Person

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
def test_what_could_lead_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(InvalidReturnPathError):
        safe_return_path(path)


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/docs?x=1&y=2#z", "/imports?cursor=a%2Bb", "/ü", "/a b", "/a:b@c"]
)
def test_a_path_of_this_server_is_kept(path: str) -> None:
    assert safe_return_path(path) == path


@pytest.mark.parametrize("path", ["https://evil.example", "//evil.example", "/%5Cevil.example"])
async def test_nobody_is_sent_to_the_provider_with_it(person: Person, path: str) -> None:
    answer = await person.http.get("/auth/login", params={"next": path})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_return_path")
