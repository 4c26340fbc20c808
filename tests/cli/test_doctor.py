"""`sensorflow doctor auth` with providers and settings that fit, and that do not."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.doctor.auth import check_clock_skew
from cli.doctor.results import Status
from embedded.identity import IdentityProvider, read_accounts
from tests.api.test_server_process import gateway_token
from tests.cli.test_commands import sensorflow

ORIGIN = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    folder = tmp_path_factory.mktemp("doctor")
    with IdentityProvider.serve(folder, client_origins=[ORIGIN]) as provider:
        yield provider


def doctor(
    provider: IdentityProvider, *arguments: str, **changed: str
) -> subprocess.CompletedProcess[str]:
    settings = {
        "SENSORFLOW_AUTH_ISSUER": provider.issuer,
        "SENSORFLOW_AUTH_AUDIENCE": read_accounts().audience,
    }
    return sensorflow("doctor", "auth", *arguments, **(settings | changed))


@pytest.fixture
def token_file(provider: IdentityProvider, tmp_path: Path) -> str:
    path = tmp_path / "token"
    path.write_text(gateway_token(provider, "readings:write"))
    return str(path)


def test_every_check_passes_with_a_provider_that_fits(
    provider: IdentityProvider, token_file: str
) -> None:
    outcome = doctor(provider, "--token-file", token_file)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert outcome.stdout.count("✓") == 7
    assert "accepted for sensor-gateway: readings:write" in outcome.stdout


def test_without_a_token_the_audience_is_not_checked(provider: IdentityProvider) -> None:
    outcome = doctor(provider)
    assert outcome.returncode == 0
    assert "- audience: no access token to look at; give one with --token-file" in outcome.stdout


@pytest.mark.parametrize(
    ("variable", "value", "message_and_remedy"),
    [
        ("AUTH_ISSUER", "http://127.0.0.1:1", ["discovery below", "SENSORFLOW_AUTH_ISSUER"]),
        ("AUTH_CLIENT_ID", "nobody", ["not accepted for nobody", "Register this redirect URI"]),
        ("API_PUBLIC_URL", "https://x.example", ["redirect URI https://x.example", "Register"]),
        ("API_PUBLIC_URL", "http://x.example", ["no secure cookie", "TLS"]),
        ("AUTH_AUDIENCE", "another", ["for another audience", "SENSORFLOW_AUTH_AUDIENCE"]),
    ],
)
def test_a_failed_check_is_reported_with_its_remedy(
    provider: IdentityProvider,
    token_file: str,
    variable: str,
    value: str,
    message_and_remedy: list[str],
) -> None:
    outcome = doctor(provider, "--token-file", token_file, **{f"SENSORFLOW_{variable}": value})
    assert outcome.returncode == 1
    for words in ("✗", *message_and_remedy):
        assert words in outcome.stdout
    assert "Traceback" not in outcome.stdout + outcome.stderr


def test_an_issuer_written_differently_is_reported(provider: IdentityProvider) -> None:
    outcome = doctor(provider, SENSORFLOW_AUTH_ISSUER=f"{provider.issuer}/")
    assert outcome.returncode == 1
    assert f"discovery names the issuer '{provider.issuer}'" in outcome.stdout


def test_a_scope_mapping_that_names_no_scope_of_ours_is_refused(
    provider: IdentityProvider,
) -> None:
    outcome = doctor(provider, SENSORFLOW_AUTH_SCOPE_MAPPING='{"role:ops": ["everything"]}')
    assert outcome.returncode == 2
    assert outcome.stderr.startswith("SENSORFLOW_AUTH_SCOPE_MAPPING")


def test_a_client_with_a_secret_requests_a_token_to_check(provider: IdentityProvider) -> None:
    outcome = doctor(
        provider,
        SENSORFLOW_AUTH_CLIENT_ID="sensor-gateway",
        SENSORFLOW_AUTH_CLIENT_SECRET=read_accounts().client_secrets["sensor-gateway"],
    )
    assert "accepted for sensor-gateway: imports:read" in outcome.stdout


@pytest.mark.parametrize(
    ("seconds", "status"),
    [
        (0.0, Status.PASSED),
        (-4.0, Status.PASSED),
        (10.0, Status.WARNING),
        (-29.0, Status.WARNING),
        (40.0, Status.FAILED),
        (-3600.0, Status.FAILED),
    ],
)
def test_clock_skew_is_reported_before_tokens_are_rejected(seconds: float, status: Status) -> None:
    result = check_clock_skew(seconds)
    assert result.status is status
    assert ("NTP" in result.remedy) == (status is not Status.PASSED)
