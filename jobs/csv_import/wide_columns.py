"""The sensors of a wide file: every column that is not the timestamp's, by its name."""

from collections.abc import Iterable, Mapping, Sequence

from core.errors import ReadingRejectedError
from core.imports import COLUMN_NAME, MAX_WIDE_COLUMNS, ImportFault, ImportOptions
from core.readings import validate_id
from jobs.csv_import.layout import QUOTED_CHARACTERS, Sensor
from jobs.errors import FileFaultError


def find_sensors(
    names: Sequence[str], positions: Mapping[str, int], options: ImportOptions
) -> list[Sensor]:
    """A sensor for each column but those at `positions` and those to ignore.

    Raises FileFaultError: `invalid_column`, or `ambiguous_header` if two would be one.
    """
    if len(names) > MAX_WIDE_COLUMNS:
        raise _invalid(f"The file has {len(names):,} columns; {MAX_WIDE_COLUMNS:,} are the most")
    _require_present(set(options.ignore_columns) - {"", *names})
    passed_over = {*options.ignore_columns, *(names[position] for position in positions.values())}
    sensors = [
        Sensor(position, name, _equipment_id(position, name, options))
        for position, name in enumerate(names)
        if name not in passed_over
    ]
    _require_distinct(sensors)
    return sensors


def _require_present(missing: Iterable[str]) -> None:
    for name in missing:
        raise _invalid(f"There is no column {_quoted(name)}, which ignoreColumns names")


def _equipment_id(position: int, name: str, options: ImportOptions) -> str:
    if not name:
        raise _invalid(f'Column {position + 1} has no name: name it, or have "" in ignoreColumns')
    try:
        return validate_id(options.id_template.replace(COLUMN_NAME, name))
    except ReadingRejectedError as error:
        raise _invalid(
            f"Column {position + 1}, {_quoted(name)}, makes no equipment id, which {error.message}"
        ) from error


def _require_distinct(sensors: Iterable[Sensor]) -> None:
    known: dict[str, Sensor] = {}
    for sensor in sensors:
        other = known.setdefault(sensor.equipment_id, sensor)
        if other is not sensor:
            raise FileFaultError(
                ImportFault.AMBIGUOUS_HEADER,
                f"Columns {other.position + 1} and {sensor.position + 1}, {_quoted(other.name)} "
                f"and {_quoted(sensor.name)}, are both {_quoted(sensor.equipment_id)}. Nothing "
                "of the file was stored. Name no two alike, or set ignoreColumns.",
            )


def _quoted(name: str) -> str:
    return repr(name[:QUOTED_CHARACTERS])


def _invalid(what: str) -> FileFaultError:
    return FileFaultError(ImportFault.INVALID_COLUMN, f"{what}. Nothing of the file was stored.")
