import polars as pl

from core.imports import EQUIPMENT_ID
from core.readings import normalize_id

# Any other text is normal as it is.
MAY_NOT_BE_NORMAL = "[^ -~]|^ | $"


def with_normalized_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with their equipment ids as they are stored.

    Each distinct text is normalized once, by the function for ids in JSON: Polars knows another
    version of Unicode.
    """
    ids = rows[EQUIPMENT_ID]
    unusual = ids.filter(ids.str.contains(MAY_NOT_BE_NORMAL)).unique()
    changed = {text: normal for text in unusual if (normal := normalize_id(text)) != text}
    return rows.with_columns(ids.replace(changed)) if changed else rows
