import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from cli.main import app
from core.settings import DatabaseSettings
from migrations.roles import ROLES
from tests.containers.files import (
    COMPOSE,
    ROOT,
    environment,
    instructions,
    interpolate,
    services,
    variables_of,
)

PLATFORM_SERVICES = ("migrate", "api", "worker")
ONE_SHOTS = {"check-secrets", "bucket", "migrate"}
PROFILES = ("core", "demo")

# What can be executed in each image, as far as its health check needs it.
PROGRAMS = {
    "timescale/timescaledb": {"pg_isready"},
    "keycloak/keycloak": {"bash"},
    "versity/versitygw": {"wget"},
    "valkey/valkey": {"valkey-cli"},
    "haproxy": {"wget"},
    "prom/prometheus": {"wget"},
    "grafana/grafana": {"wget"},
    "sensorflow": {"python"},
}
VERSION = r"v?\d+\.\d+\.\d+(-pg\d+|-alpine)?"


def check_schema(file: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    return subprocess.run([*command, file], capture_output=True, text=True, check=False)


def started_by(profile: str) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in services().items() if profile in each["profiles"]}


def megabytes(size: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([mg])b?", size.lower()).groups()  # type: ignore[union-attr]
    return int(number) * (1024 if unit == "g" else 1)


def settings_of_the_server() -> dict[str, str]:
    command = [
        interpolate(word, variables_of(ROOT / ".env.example"))
        for word in services()["timescaledb"]["command"]
    ]
    assert command[0] == "postgres"
    return dict(word.removeprefix("-c").split("=", 1) for word in command[1:])


def test_compose_yaml_follows_the_compose_schema() -> None:
    result = check_schema(COMPOSE)
    assert result.returncode == 0, result.stdout


def test_the_schema_check_rejects_a_wrong_key(tmp_path: Path) -> None:
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(COMPOSE.read_text().replace("healthcheck:", "healtcheck:"))
    assert check_schema(wrong).returncode == 1


@pytest.mark.parametrize("service", services())
def test_every_image_is_pinned_to_one_version(service: str) -> None:
    image = services()[service]["image"]
    assert re.fullmatch(rf"[a-z/]+:{VERSION}(@sha256:[0-9a-f]{{64}})?", image)


def test_the_page_names_every_image_without_a_digest() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text()
    (named,) = re.findall("^for image in (.*); do", page, re.MULTILINE)
    images = {each["image"] for each in services().values() if "build" not in each}
    assert set(named.split()) == {image for image in images if "@" not in image}


def test_the_database_is_the_community_edition() -> None:
    image = services()["timescaledb"]["image"]
    assert image.startswith("timescale/timescaledb:")
    assert "oss" not in image


def test_one_image_of_this_version_serves_the_api_the_worker_and_the_migrations() -> None:
    definitions = [services()[service] for service in PLATFORM_SERVICES]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {service["image"] for service in definitions} == {f"sensorflow:{version}"}
    assert [service["command"] for service in definitions] == [["migrate"], ["serve"], ["worker"]]


@pytest.mark.parametrize(
    "command", [*(services()[name]["command"] for name in PLATFORM_SERVICES), ["bi-user", "create"]]
)
def test_every_command_is_one_of_the_program(command: list[str]) -> None:
    assert CliRunner().invoke(app, [*command, "--help"]).exit_code == 0


def test_the_login_of_grafana_is_the_one_that_the_example_tells_how_to_make() -> None:
    user = environment("grafana")["SENSORFLOW_BI_USER"]
    told = f"docker compose run --rm migrate bi-user create {user}"
    assert told in (ROOT / ".env.example").read_text()
    assert told in (ROOT / "docs" / "deployment.md").read_text()


def test_the_profiles_differ_by_keycloak_and_by_the_check_of_the_secrets_only() -> None:
    core, demo = (set(started_by(profile)) for profile in PROFILES)
    assert core - demo == {"check-secrets", "keycloak"}
    assert demo - core == {"keycloak-demo"}
    assert set(started_by("observability")) == set(services()) - core - demo
    assert all(each["profiles"] for each in services().values())


@pytest.mark.parametrize("profile", [*PROFILES, "observability"])
def test_what_a_profile_waits_for_is_started_by_it_or_not_required(profile: str) -> None:
    started = started_by(profile)
    for service in started.values():
        for name, dependency in service.get("depends_on", {}).items():
            assert name in started or dependency.get("required") is False
            expected = "completed_successfully" if name in ONE_SHOTS else "healthy"
            assert dependency["condition"] == f"service_{expected}"


@pytest.mark.parametrize("service", sorted(set(started_by("core")) - {"check-secrets"}))
def test_nothing_of_the_core_starts_before_its_secrets_are_checked(service: str) -> None:
    waits_for = services()[service].get("depends_on", {})
    while "check-secrets" not in waits_for:
        waits_for = {k: v for each in waits_for for k, v in services()[each]["depends_on"].items()}
        assert waits_for


@pytest.mark.parametrize("service", ["api", "worker"])
def test_the_platform_starts_after_the_migrations_have_succeeded(service: str) -> None:
    condition = services()[service]["depends_on"]["migrate"]["condition"]
    assert condition == "service_completed_successfully"


@pytest.mark.parametrize("service", services())
def test_services_are_restarted_when_they_exit_but_those_that_run_once(service: str) -> None:
    expected = "no" if service in ONE_SHOTS else "unless-stopped"
    assert services()[service]["restart"] == expected


@pytest.mark.parametrize("service", sorted(set(services()) - ONE_SHOTS))
def test_every_server_has_a_health_check_that_its_image_can_execute(service: str) -> None:
    definition = services()[service]
    image = definition["image"].partition(":")[0]
    if "healthcheck" not in definition:
        assert image == "sensorflow"
        assert "HEALTHCHECK" in dict(instructions())
        return
    kind, program, *_ = definition["healthcheck"]["test"]
    known = PROGRAMS[image]
    assert program in known if kind == "CMD" else any(f"$$({name} " in program for name in known)


@pytest.mark.parametrize("service", services())
def test_every_container_has_limits(service: str) -> None:
    assert {"mem_limit", "cpus", "pids_limit"} <= set(services()[service])


@pytest.mark.parametrize("service", services())
def test_no_container_has_more_privileges_than_it_needs(service: str) -> None:
    definition = services()[service]
    assert definition["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in definition["security_opt"]
    assert "privileged" not in definition
    if service != "timescaledb":
        assert "cap_add" not in definition


@pytest.mark.parametrize(
    "service", [*PLATFORM_SERVICES, "bucket", "check-secrets", "object-store", "proxy", "valkey"]
)
def test_containers_have_a_read_only_root_file_system(service: str) -> None:
    assert services()[service]["read_only"] is True


def test_the_user_who_serves_the_objects_owns_their_volume() -> None:
    """Docker gives a new volume the owner of the folder at which the image has it first."""
    (user,) = [rest for word, rest in instructions() if word == "USER"]
    (folder,) = [rest for word, rest in instructions() if word == "VOLUME"]
    assert services()["bucket"]["volumes"] == [f"objects:{folder}"]
    assert "user" not in services()["bucket"]
    store = services()["object-store"]
    assert store["user"] == user
    assert store["volumes"] == [f"objects:{store['command'][-1]}"]
    assert "bucket" in store["depends_on"]


def test_the_bucket_is_the_one_of_the_storage() -> None:
    bucket = environment("api")["SENSORFLOW_STORAGE_URL"].removeprefix("s3://")
    (folder,) = [rest for word, rest in instructions() if word == "VOLUME"]
    assert services()["bucket"]["entrypoint"][-1] == f"{folder}/{bucket}"


@pytest.mark.parametrize("service", ["api", "worker"])
def test_temporary_files_are_written_to_a_volume_and_not_to_memory(service: str) -> None:
    assert ("VOLUME", environment(service)["TMPDIR"]) in instructions()


CREDENTIALS = re.compile(r"^postgresql://(\w+):\$\{(\w+):\?[^}]*\}@timescaledb:5432/sensorflow$")


def test_the_api_and_the_worker_are_not_the_owner_of_the_database() -> None:
    """Neither by name nor by password."""
    owner = CREDENTIALS.findall(environment("migrate")["SENSORFLOW_MIGRATE_DATABASE_URL"])
    assert owner == [(environment("timescaledb")["POSTGRES_USER"], "DATABASE_PASSWORD")]
    for service in ("api", "worker"):
        login = CREDENTIALS.findall(environment(service)["SENSORFLOW_DATABASE_URL"])
        assert login == [("sensorflow_service", "SERVICE_DATABASE_PASSWORD")]
    assert "SENSORFLOW_DATABASE_URL" not in environment("migrate")


def test_the_database_starts_with_the_role_that_the_migrations_grant_to() -> None:
    script = (ROOT / "deploy" / "timescaledb" / "service-role.sh").read_text()
    assert f"CREATE ROLE sensorflow_app {ROLES['sensorflow_app']}'" in script
    assert "GRANT sensorflow_app TO sensorflow_service;" in script


def test_the_server_has_connections_for_all_who_hold_some() -> None:
    """Twice as many workers as one, and twenty for BI tools, LISTEN and administrators."""
    pool = DatabaseSettings.model_fields["pool_size"].default
    processes = services()["api"]["deploy"]["replicas"] + 4
    keycloak = int(environment("keycloak")["KC_DB_POOL_MAX_SIZE"])
    assert processes * pool + keycloak + 20 <= int(settings_of_the_server()["max_connections"])


def test_the_server_has_processes_for_every_job_at_once() -> None:
    settings = settings_of_the_server()
    jobs, parallel = (
        int(settings[name])
        for name in ("timescaledb.max_background_workers", "max_parallel_workers")
    )
    assert int(settings["max_worker_processes"]) >= jobs + parallel + 3


def test_the_server_is_told_as_much_memory_as_it_has() -> None:
    settings, memory = (
        settings_of_the_server(),
        megabytes(variables_of(ROOT / ".env.example")["DATABASE_MEMORY"]),
    )
    assert megabytes(settings["shared_buffers"]) == memory / 4
    assert megabytes(settings["effective_cache_size"]) == memory * 3 / 4


@pytest.mark.parametrize("service", services())
def test_ports_are_bound_to_the_loopback_interface(service: str) -> None:
    ports = services()[service].get("ports", [])
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_api_is_reached_through_the_proxy_only() -> None:
    assert "ports" not in services()["api"]
    assert services()["api"]["deploy"]["replicas"] > 1
    trusted = interpolate(environment("api")["SENSORFLOW_API_TRUSTED_PROXIES"], {})
    assert trusted == "1"


def test_every_mounted_file_exists_and_is_read_only() -> None:
    mounts = [mount for service in services().values() for mount in service.get("volumes", [])]
    files = [mount.split(":") for mount in mounts if mount.startswith("./")]
    assert len(files) > 8
    for source, _, mode in files:
        assert (ROOT / source).exists(), source
        assert mode == "ro"


def test_prometheus_scrapes_every_api_and_worker_with_the_token_that_is_mounted() -> None:
    configuration = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    found: dict[str, int] = {}
    for job in configuration["scrape_configs"]:
        (names,) = job["dns_sd_configs"]
        found |= dict.fromkeys(names["names"], names["port"])
    _, _, worker_port = environment("worker")["SENSORFLOW_WORKER_METRICS_ADDRESS"].partition(":")
    api_port = dict(instructions())["EXPOSE"]
    assert found == {"api": int(api_port), "worker": int(worker_port)}
    (secret,) = services()["prometheus"]["secrets"]
    named = configuration["scrape_configs"][0]["authorization"]["credentials_file"]
    assert secret["target"] == f"/etc/prometheus/{named}"
    # Compose copies such a secret into the container, which a read-only root would refuse.
    assert "read_only" not in services()["prometheus"]
