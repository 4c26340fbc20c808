"""Users and clients that the published accounts do not have."""

import json
from pathlib import Path
from typing import Any

from core.database import Pool
from embedded.node import EMBEDDED_FOLDER
from tests.auth.own_provider import Ports, person_at_own_site
from tests.auth.person import TEST_USER, password_login
from tests.auth.session_stores import SessionsAtRest


def published_accounts() -> dict[str, Any]:
    return dict(json.loads((EMBEDDED_FOLDER / "identity" / "accounts.json").read_text()))


def written(accounts: dict[str, Any], folder: Path) -> Path:
    path = folder / "accounts.json"
    path.write_text(json.dumps(accounts))
    return path


async def test_any_password_reaches_the_provider_as_it_was_typed(
    migrated_url: str, ports: Ports, pool: Pool, tmp_path: Path
) -> None:
    del pool
    accounts = published_accounts()
    passwords = {"jürgen": "a:b::c & d=e+f%20", "мария": "pässwörd 密码 🔑"}
    accounts["users"] = [
        accounts["users"][0] | {"sub": name, "username": name, "password": password}
        for name, password in passwords.items()
    ]
    with ports.start_provider(tmp_path, accounts=written(accounts, tmp_path)):
        async with person_at_own_site(migrated_url, ports, tmp_path) as person:
            for name, password in passwords.items():
                answer = await password_login(person.http, name, password)
                assert answer.status_code == 200, answer.text
                known = (await person.http.get("/auth/me")).json()
                assert known["username"] == name


async def test_a_client_with_a_secret_proves_itself_in_every_flow(
    migrated_url: str, ports: Ports, store: SessionsAtRest, tmp_path: Path
) -> None:
    accounts = published_accounts()
    accounts["browserClients"][0]["secret"] = "of the browser client"
    auth = {"client_secret": "of the browser client"}
    with ports.start_provider(tmp_path, accounts=written(accounts, tmp_path)):
        async with person_at_own_site(
            migrated_url, ports, tmp_path, auth=auth, session=store.settings
        ) as person:
            assert (await person.sign_in(*TEST_USER)).status_code == 303
            await store.let_tokens_run_out()
            assert (await person.http.get("/auth/me")).status_code == 200
            assert (await password_login(person.http, *TEST_USER)).status_code == 200
            assert (await person.http.post("/auth/logout")).status_code == 200


async def test_a_client_with_a_wrong_secret_is_told_apart_from_a_wrong_password(
    migrated_url: str, ports: Ports, pool: Pool, tmp_path: Path
) -> None:
    del pool
    accounts = published_accounts()
    accounts["browserClients"][0]["secret"] = "of the browser client"
    with ports.start_provider(tmp_path, accounts=written(accounts, tmp_path)):
        async with person_at_own_site(
            migrated_url, ports, tmp_path, auth={"client_secret": "wrong"}
        ) as person:
            answer = await password_login(person.http, *TEST_USER)
            assert (answer.status_code, answer.json()["code"]) == (502, "identity_provider_refused")
            assert "doctor auth" in answer.json()["message"]
