import re
import subprocess
import sys
from pathlib import Path

import pytest

from migrations.roles import ROLES
from tests.containers.files import COMPOSE, ROOT, environment, services

PLATFORM_SERVICES = ("migrate", "api", "worker")


def check_schema(file: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    return subprocess.run([*command, file], capture_output=True, text=True, check=False)


def test_compose_yaml_follows_the_compose_schema() -> None:
    result = check_schema(COMPOSE)
    assert result.returncode == 0, result.stdout


def test_the_schema_check_rejects_a_wrong_key(tmp_path: Path) -> None:
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(COMPOSE.read_text().replace("healthcheck:", "healtcheck:"))
    assert check_schema(wrong).returncode == 1


@pytest.mark.parametrize("service", services())
def test_every_image_is_pinned_to_one_version(service: str) -> None:
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+\.\d+(-pg\d+)?", services()[service]["image"])


def test_the_database_is_the_community_edition() -> None:
    image = services()["timescaledb"]["image"]
    assert image.startswith("timescale/timescaledb:")
    assert "oss" not in image


def test_one_image_serves_the_api_the_worker_and_the_migrations() -> None:
    definitions = [services()[service] for service in PLATFORM_SERVICES]
    assert len({service["image"] for service in definitions}) == 1
    assert [service["command"] for service in definitions] == [["migrate"], ["serve"], ["worker"]]


@pytest.mark.parametrize("service", ["api", "worker"])
def test_the_platform_starts_after_the_migrations_have_succeeded(service: str) -> None:
    condition = services()[service]["depends_on"]["migrate"]["condition"]
    assert condition == "service_completed_successfully"


def test_the_migrations_wait_for_the_database_and_run_once() -> None:
    migrate = services()["migrate"]
    assert migrate["depends_on"]["timescaledb"]["condition"] == "service_healthy"
    assert migrate["restart"] == "no"


@pytest.mark.parametrize("service", [name for name in services() if name != "migrate"])
def test_services_are_restarted_when_they_exit(service: str) -> None:
    assert services()[service]["restart"] == "unless-stopped"


@pytest.mark.parametrize("service", ["timescaledb", "keycloak", "api"])
def test_servers_have_a_health_check(service: str) -> None:
    assert services()[service]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("service", services())
def test_no_container_has_more_privileges_than_it_needs(service: str) -> None:
    definition = services()[service]
    assert definition["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in definition["security_opt"]
    assert "privileged" not in definition
    if service != "timescaledb":
        assert "cap_add" not in definition


@pytest.mark.parametrize("service", PLATFORM_SERVICES)
def test_containers_of_the_platform_have_a_read_only_root_file_system(service: str) -> None:
    assert services()[service]["read_only"] is True


def test_the_api_and_the_worker_share_the_uploads() -> None:
    api, worker = services()["api"], services()["worker"]
    assert api["volumes"] == worker["volumes"] == ["uploads:/var/lib/sensorflow"]


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


@pytest.mark.parametrize("service", services())
def test_ports_are_bound_to_the_loopback_interface(service: str) -> None:
    ports = services()[service].get("ports", [])
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_mounted_file_exists_and_is_read_only() -> None:
    mounts = [mount for service in services().values() for mount in service.get("volumes", [])]
    files = [mount.split(":") for mount in mounts if mount.startswith("./")]
    assert len(files) == 3
    for source, _, mode in files:
        assert (ROOT / source).is_file()
        assert mode == "ro"


def test_the_command_that_pins_images_names_all_that_are_used() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text()
    (named,) = re.findall("for image in (.*); do", page)
    bases = re.findall("^FROM (\\S+)", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    composed = {each["image"] for each in services().values()}
    used = composed.union(bases)
    assert set(named.split()) == {image for image in used if not image.startswith("sensorflow")}
