"""`sensorflow doctor auth`, asked about providers that are right and wrong."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.doctor.auth import judged_skew
from cli.doctor.findings import Verdict
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


def test_a_provider_that_fits_is_all_good(provider: IdentityProvider, token_file: str) -> None:
    outcome = doctor(provider, "--token-file", token_file)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert outcome.stdout.count("✓") == 7
    assert "accepted for sensor-gateway: readings:write" in outcome.stdout


def test_without_a_token_the_audience_is_not_judged(provider: IdentityProvider) -> None:
    outcome = doctor(provider)
    assert outcome.returncode == 0
    assert "- audience: no access token to look at; give one with --token-file" in outcome.stdout


@pytest.mark.parametrize(
    ("variable", "value", "told_with_remedy"),
    [
        ("AUTH_ISSUER", "http://127.0.0.1:1", ["discovery below", "SENSORFLOW_AUTH_ISSUER"]),
        ("AUTH_CLIENT_ID", "nobody", ["not accepted for nobody", "Register this redirect URI"]),
        ("API_PUBLIC_URL", "https://x.example", ["redirect URI https://x.example", "Register"]),
        ("API_PUBLIC_URL", "http://x.example", ["no secure cookie", "TLS"]),
        ("AUTH_AUDIENCE", "another", ["for another audience", "SENSORFLOW_AUTH_AUDIENCE"]),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy(
    provider: IdentityProvider,
    token_file: str,
    variable: str,
    value: str,
    told_with_remedy: list[str],
) -> None:
    outcome = doctor(provider, "--token-file", token_file, **{f"SENSORFLOW_{variable}": value})
    assert outcome.returncode == 1
    for words in ("✗", *told_with_remedy):
        assert words in outcome.stdout
    assert "Traceback" not in outcome.stdout + outcome.stderr


def test_an_issuer_written_otherwise_is_told(provider: IdentityProvider) -> None:
    outcome = doctor(provider, SENSORFLOW_AUTH_ISSUER=f"{provider.issuer}/")
    assert outcome.returncode == 1
    assert f"discovery names the issuer '{provider.issuer}'" in outcome.stdout


def test_a_scope_mapping_that_names_no_scope_of_ours_is_refused(
    provider: IdentityProvider,
) -> None:
    outcome = doctor(provider, SENSORFLOW_AUTH_SCOPE_MAPPING='{"role:ops": ["everything"]}')
    assert outcome.returncode == 2
    assert outcome.stderr.startswith("SENSORFLOW_AUTH_SCOPE_MAPPING")


def test_a_client_with_a_secret_asks_for_a_token_to_judge(provider: IdentityProvider) -> None:
    outcome = doctor(
        provider,
        SENSORFLOW_AUTH_CLIENT_ID="sensor-gateway",
        SENSORFLOW_AUTH_CLIENT_SECRET=read_accounts().client_secrets["sensor-gateway"],
    )
    assert "accepted for sensor-gateway: imports:read" in outcome.stdout


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [
        (0.0, Verdict.GOOD),
        (-4.0, Verdict.GOOD),
        (10.0, Verdict.DOUBTFUL),
        (-29.0, Verdict.DOUBTFUL),
        (40.0, Verdict.WRONG),
        (-3600.0, Verdict.WRONG),
    ],
)
def test_clocks_apart_are_told_before_tokens_are_refused(seconds: float, verdict: Verdict) -> None:
    finding = judged_skew(seconds)
    assert finding.verdict is verdict
    assert ("NTP" in finding.remedy) == (verdict is not Verdict.GOOD)
