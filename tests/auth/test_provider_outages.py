"""The provider is unavailable, returns, and returns with other keys."""

from pathlib import Path

import pytest

from tests.auth.dedicated_provider import Ports, user_agent_at_own_server
from tests.auth.stored_sessions import StoredSessions
from tests.auth.user_agent import TEST_USER, password_login, user_agent_at


async def test_a_provider_that_was_never_reached_is_unavailable(
    migrated_url: str, ports: Ports, store: StoredSessions, tmp_path: Path
) -> None:
    async with user_agent_at_own_server(
        migrated_url, ports, tmp_path, session=store.settings
    ) as user:
        for response in (
            await user.http.get("/auth/login"),
            await password_login(user.http, *TEST_USER),
        ):
            assert response.status_code == 503
            assert response.json()["code"] == "identity_provider_unavailable"
            assert response.headers["retry-after"]


async def test_sessions_outlive_the_provider_as_long_as_their_tokens(
    migrated_url: str, ports: Ports, store: StoredSessions, tmp_path: Path
) -> None:
    async with user_agent_at_own_server(
        migrated_url, ports, tmp_path, session=store.settings
    ) as user:
        with ports.start_provider(tmp_path):
            await password_login(user.http, *TEST_USER)
        assert (await user.http.get("/auth/me")).status_code == 200
        await store.make_refresh_due()
        assert (await user.http.get("/auth/me")).status_code == 200
        await store.expire_access_tokens()
        response = await user.http.get("/auth/me")
        assert (response.status_code, response.json()["code"]) == (
            503,
            "identity_provider_unavailable",
        )
        assert await store.count() == 1
        for _ in range(12):
            failed = await password_login(user.http, *TEST_USER)
            assert failed.status_code == 503, "an outage is no failed attempt"
        out = await user.http.post("/auth/logout")
        assert (out.status_code, out.json()["message"]) == (200, "Logout successful")
        assert await store.count() == 0


async def test_tokens_of_rotated_keys_and_of_former_keys_are_accepted(
    migrated_url: str,
    ports: Ports,
    store: StoredSessions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.auth.provider_cache.COOLDOWN_SECONDS", 0.0)
    async with (
        user_agent_at_own_server(migrated_url, ports, tmp_path, session=store.settings) as user,
        user_agent_at(f"http://127.0.0.1:{ports.api}") as later,
    ):
        with ports.start_provider(tmp_path):
            await user.sign_in(*TEST_USER)
        with ports.start_provider(tmp_path, rotate_keys=True):
            assert (await later.sign_in(*TEST_USER)).status_code == 303
            for signed_in in (user, later):
                assert (await signed_in.http.get("/auth/me")).status_code == 200


async def test_a_provider_that_lost_its_grants_ends_the_session_at_the_next_refresh(
    migrated_url: str, ports: Ports, store: StoredSessions, tmp_path: Path
) -> None:
    async with user_agent_at_own_server(
        migrated_url, ports, tmp_path, session=store.settings
    ) as user:
        with ports.start_provider(tmp_path):
            await password_login(user.http, *TEST_USER)
        with ports.start_provider(tmp_path):
            await store.make_refresh_due()
            response = await user.http.get("/auth/me")
            assert (response.status_code, response.json()["code"]) == (401, "session_ended")


async def test_a_sign_in_survives_a_restart_of_the_provider_only_as_a_clear_refusal(
    migrated_url: str, ports: Ports, store: StoredSessions, tmp_path: Path
) -> None:
    async with user_agent_at_own_server(
        migrated_url, ports, tmp_path, session=store.settings
    ) as user:
        with ports.start_provider(tmp_path):
            url = await user.callback_url(*TEST_USER)
        with ports.start_provider(tmp_path):
            response = await user.http.get(url)
            assert (response.status_code, response.json()["code"]) == (400, "invalid_sign_in")
