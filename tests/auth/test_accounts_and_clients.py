"""Passwords and client secrets that the published accounts do not have."""

import json
from pathlib import Path
from typing import Any

from core.database import Pool
from embedded.node import EMBEDDED_FOLDER
from tests.auth.dedicated_provider import Ports, user_agent_at_own_server
from tests.auth.stored_sessions import StoredSessions
from tests.auth.user_agent import TEST_USER, password_login


def published_accounts() -> dict[str, Any]:
    return dict(json.loads((EMBEDDED_FOLDER / "identity" / "accounts.json").read_text()))


def write_accounts(accounts: dict[str, Any], folder: Path) -> Path:
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
    with ports.start_provider(tmp_path, accounts=write_accounts(accounts, tmp_path)):
        async with user_agent_at_own_server(migrated_url, ports, tmp_path) as user:
            for name, password in passwords.items():
                response = await password_login(user.http, name, password)
                assert response.status_code == 200, response.text
                me = (await user.http.get("/auth/me")).json()
                assert me["username"] == name


async def test_a_confidential_client_authenticates_in_every_flow(
    migrated_url: str, ports: Ports, store: StoredSessions, tmp_path: Path
) -> None:
    accounts = published_accounts()
    accounts["browserClients"][0]["secret"] = "of the browser client"
    auth = {"client_secret": "of the browser client"}
    with ports.start_provider(tmp_path, accounts=write_accounts(accounts, tmp_path)):
        async with user_agent_at_own_server(
            migrated_url, ports, tmp_path, auth=auth, session=store.settings
        ) as user:
            assert (await user.sign_in(*TEST_USER)).status_code == 303
            await store.expire_access_tokens()
            assert (await user.http.get("/auth/me")).status_code == 200
            assert (await password_login(user.http, *TEST_USER)).status_code == 200
            assert (await user.http.post("/auth/logout")).status_code == 200


async def test_a_wrong_client_secret_is_no_wrong_password(
    migrated_url: str, ports: Ports, pool: Pool, tmp_path: Path
) -> None:
    del pool
    accounts = published_accounts()
    accounts["browserClients"][0]["secret"] = "of the browser client"
    with ports.start_provider(tmp_path, accounts=write_accounts(accounts, tmp_path)):
        async with user_agent_at_own_server(
            migrated_url, ports, tmp_path, auth={"client_secret": "wrong"}
        ) as user:
            response = await password_login(user.http, *TEST_USER)
            assert (response.status_code, response.json()["code"]) == (
                502,
                "identity_provider_refused",
            )
            assert "doctor auth" in response.json()["message"]
