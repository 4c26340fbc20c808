"""The authorization code flow, step by step, with the development provider as peer."""

from tests.auth.person import RADIX, TEST_USER, Person
from tests.auth.signing_in import Site

SUB = "6d1f5d0c-3b7e-4c52-9f0e-5a2a1f7c9b10"


async def test_a_sign_in_leads_back_with_a_session(person: Person, site: Site) -> None:
    answer = await person.sign_in(*TEST_USER)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == f"{site.url}/docs"
    me = (await person.http.get("/auth/me")).json()
    assert (me["sub"], me["username"]) == (SUB, "test-user")
    assert me["scopes"] == ["imports:read", "imports:write", "readings:read", "readings:write"]


async def test_password_login(person: Person) -> None:
    answer = await person.http.post("/auth/login", auth=RADIX)
    assert (answer.status_code, answer.json()) == (200, {"message": "Login successful"}), (
        answer.text
    )
    me = (await person.http.get("/auth/me")).json()
    assert "admin" in me["scopes"]
    out = await person.http.post("/auth/logout")
    assert out.json()["message"] == "Logout successful"
    assert (await person.http.get("/auth/me")).status_code == 401
