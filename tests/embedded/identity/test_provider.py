import socket
import stat
from pathlib import Path

import httpx
import pytest
from joserfc.errors import InvalidKeyIdError

from embedded.errors import StartFailedError
from embedded.identity import IdentityProvider
from tests.embedded.identity.tokens import gateway_token, verify


def key_ids(provider: IdentityProvider) -> list[str]:
    return [key["kid"] for key in httpx.get(f"{provider.issuer}/jwks").json()["keys"]]


def issue_token(provider: IdentityProvider) -> str:
    with httpx.Client(base_url=provider.issuer) as http:
        return gateway_token(http)


def key_id_in(provider: IdentityProvider, token: str) -> str:
    """The id of the key that signed the token, which must be a current key of the provider."""
    with httpx.Client(base_url=provider.issuer) as http:
        return str(verify(http, token).header["kid"])


def test_discovery_names_the_issuer_its_endpoints_and_what_they_support(
    http: httpx.Client, provider: IdentityProvider
) -> None:
    document = http.get("/.well-known/openid-configuration").json()
    assert document["issuer"] == provider.issuer
    for endpoint in ("authorization", "token", "end_session"):
        assert document[f"{endpoint}_endpoint"].startswith(f"{provider.issuer}/")
    assert document["jwks_uri"] == f"{provider.issuer}/jwks"
    assert document["response_types_supported"] == ["code"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert {"client_credentials", "authorization_code", "refresh_token", "password"} == set(
        document["grant_types_supported"]
    )
    assert {"readings:write", "readings:read", "imports:write", "imports:read", "admin"} < set(
        document["scopes_supported"]
    )


def test_the_published_keys_hold_no_private_part(http: httpx.Client) -> None:
    for key in http.get("/jwks").json()["keys"]:
        assert set(key) == {"kty", "use", "alg", "kid", "n", "e"}


def test_the_provider_listens_on_the_loopback_interface_only(provider: IdentityProvider) -> None:
    port = httpx.URL(provider.issuer).port
    assert port
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", port), timeout=5)


def test_signing_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    with IdentityProvider.serve(tmp_path):
        keys = tmp_path / "identity" / "keys.json"
        assert stat.S_IMODE(keys.stat().st_mode) == 0o600
        assert stat.S_IMODE(keys.parent.stat().st_mode) == 0o700


def test_tokens_stay_valid_after_a_restart(tmp_path: Path) -> None:
    with IdentityProvider.serve(tmp_path) as before:
        token, kids = issue_token(before), key_ids(before)
    with IdentityProvider.serve(tmp_path) as after:
        assert key_ids(after) == kids
        assert key_id_in(after, token) == kids[0]


def test_after_a_rotation_tokens_of_the_previous_key_stay_valid(tmp_path: Path) -> None:
    with IdentityProvider.serve(tmp_path) as before:
        token, kids = issue_token(before), key_ids(before)
    with IdentityProvider.serve(tmp_path, rotate_keys=True) as after:
        assert key_ids(after)[1:] == kids
        assert key_id_in(after, token) == kids[0]
        assert key_id_in(after, issue_token(after)) not in kids


def test_a_second_rotation_removes_the_first_key(tmp_path: Path) -> None:
    with IdentityProvider.serve(tmp_path) as first:
        token, kids = issue_token(first), key_ids(first)
    IdentityProvider.serve(tmp_path, rotate_keys=True).terminate()
    with IdentityProvider.serve(tmp_path, rotate_keys=True) as last:
        assert not set(kids) & set(key_ids(last))
        with pytest.raises(InvalidKeyIdError):
            key_id_in(last, token)


def test_the_error_of_a_port_in_use_names_the_variable_to_change(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            StartFailedError, match=rf"{port} is taken.*SENSORFLOW_IDP_PORT"
        ) as caught:
            IdentityProvider.serve(tmp_path, port=port)
    assert caught.value.code == "port_taken"


def test_an_invalid_key_file_fails_the_start_and_is_not_overwritten(tmp_path: Path) -> None:
    keys = tmp_path / "identity" / "keys.json"
    keys.parent.mkdir()
    keys.write_text("not JSON")
    with pytest.raises(StartFailedError, match="JSON"):
        IdentityProvider.serve(tmp_path)
    assert keys.read_text() == "not JSON"


def test_the_log_has_only_the_warning_against_production_use(tmp_path: Path) -> None:
    with IdentityProvider.serve(tmp_path) as provider:
        issue_token(provider)
        warning = f"Identity provider for development only, at {provider.issuer}"
    (line,) = provider.log_path.read_text().splitlines()
    assert line.startswith(warning)


def test_it_stops_at_once_though_clients_are_connected(tmp_path: Path) -> None:
    provider = IdentityProvider.serve(tmp_path)
    with httpx.Client(base_url=provider.issuer) as http:
        assert http.get("/jwks").status_code == 200
        assert provider.terminate(timeout_seconds=5) == 0


def test_the_end_of_its_stdin_stops_it(tmp_path: Path) -> None:
    provider = IdentityProvider.serve(tmp_path)
    provider.close_stdin()
    assert provider.wait(5) == 0
    provider.kill()
