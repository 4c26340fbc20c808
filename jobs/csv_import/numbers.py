import polars as pl

from core.imports import VALUE, DecimalMark
from core.readings import NUMBER


def number(mark: DecimalMark) -> pl.Expr:
    """The value, infinite where it is too large for the type; null where it is no number."""
    text = pl.col(VALUE).str.strip_chars()
    if mark is DecimalMark.COMMA:
        text = text.str.replace_many([",", "."], [".", ","])
    return pl.when(text.str.contains(f"^{NUMBER}$")).then(text.cast(pl.Float64, strict=False))
