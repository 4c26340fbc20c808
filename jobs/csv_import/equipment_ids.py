import polars as pl

from core.imports import EQUIPMENT_ID
from core.readings import normalize_id
from jobs.csv_import.warning_rules import SPREADSHEET_ID

UNUSUAL = f"[^ -~]|^ | $|{SPREADSHEET_ID}"


def are_plain(ids: pl.Series) -> bool:
    """Whether all are normal, with nothing to hide and nothing to warn of.

    That is, printable ASCII without blanks around it that no spreadsheet has written.
    """
    return not ids.str.contains(UNUSUAL).any()


def with_normalized_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with their equipment ids as they are stored.

    Each distinct text is normalized once, by the function for ids in JSON: Polars knows another
    version of Unicode.
    """
    texts = rows[EQUIPMENT_ID].drop_nulls().unique()
    changed = {text: normal for text in texts if (normal := normalize_id(text)) != text}
    return rows.with_columns(pl.col(EQUIPMENT_ID).replace(changed))
