"""Ids that were stored before they were normalized are reported, and stay."""

import asyncio
from datetime import UTC, datetime

import pytest

from cli.doctor.ids import MAX_AFTER_MIGRATION, warnings_about
from core.database import REVISION, Pool
from tests.api.equipment.test_equipment import DAY, NOON, materialise
from tests.api.stored import insert
from tests.cli.test_commands import sensorflow

INVISIBLE = "must not contain the invisible character U+200B"


@pytest.mark.parametrize(
    ("ids", "messages"),
    [
        (["t27", "k\u00e4fig"], []),
        (["t27 ", "t27"], ["'t27 ': new readings go to 't27', stored besides"]),
        (["t27 "], ["'t27 ': new readings go to 't27', which is new"]),
        (["a\u0308"], [r"'a\u0308': new readings go to '\xe4', which is new"]),
        (
            ["t\u200b27"],
            [rf"'t\u200b27': new readings are refused, since an id {INVISIBLE}"],
        ),
    ],
)
def test_each_id_that_new_readings_cannot_have_is_named_legibly(
    ids: list[str], messages: list[str]
) -> None:
    assert [warning.message for warning in warnings_about(ids)] == messages


async def test_the_report_covers_history_and_new_readings_and_changes_nothing(
    owner_url: str, pool: Pool
) -> None:
    await insert(pool, ("old ", NOON, 1), ("t27", NOON, 1))
    await materialise(pool, NOON, NOON + DAY)
    await insert(pool, ("new\u00ad", datetime.now(UTC), 1))
    before = await pool.fetch("SELECT * FROM readings ORDER BY ts, equipment_id")
    environment = {"SENSORFLOW_DATABASE_URL": owner_url}
    doctor = await asyncio.to_thread(sensorflow, "doctor", "ids", **environment)
    assert doctor.returncode == 0, doctor.stderr
    assert doctor.stdout.count("!") == 2
    assert r"! 'new\xad': new readings are refused" in doctor.stdout
    assert "! 'old ': new readings go to 'old', which is new" in doctor.stdout
    migrate = await asyncio.to_thread(sensorflow, "migrate", **environment)
    assert migrate.stdout == f"The database is at revision {REVISION}.\n"
    assert migrate.stderr == doctor.stdout
    assert await pool.fetch("SELECT * FROM readings ORDER BY ts, equipment_id") == before


async def test_a_migration_names_the_first_of_many(owner_url: str, pool: Pool) -> None:
    names = [f"t{number:02} " for number in range(MAX_AFTER_MIGRATION + 2)]
    await insert(pool, *((name, datetime.now(UTC), 1) for name in names))
    environment = {"SENSORFLOW_DATABASE_URL": owner_url}
    migrate = await asyncio.to_thread(sensorflow, "migrate", **environment)
    assert migrate.returncode == 0
    assert f"'t{MAX_AFTER_MIGRATION - 1:02} '" in migrate.stderr
    assert f"'t{MAX_AFTER_MIGRATION:02} '" not in migrate.stderr
    assert "and 2 more ids: sensorflow doctor ids" in migrate.stderr


async def test_ids_that_are_all_normal_are_a_pass(owner_url: str, pool: Pool) -> None:
    await insert(pool, ("t27", datetime.now(UTC), 1))
    environment = {"SENSORFLOW_DATABASE_URL": owner_url}
    outcome = await asyncio.to_thread(sensorflow, "doctor", "ids", **environment)
    assert outcome.stdout == "  ✓ ids: 1, all as they are stored now\n"
    assert (await asyncio.to_thread(sensorflow, "migrate", **environment)).stderr == ""
