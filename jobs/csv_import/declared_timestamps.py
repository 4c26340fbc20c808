"""What a declared pattern has matched, as the parts of a timestamp in ISO 8601."""

from collections.abc import Callable

import polars as pl

from core.timestamp_patterns import MONTHS, SHORT_MONTHS, TimestampPattern

Part = Callable[[str], pl.Expr]  # a named group of the match

# Two digits of a year are of this century or the last, as POSIX has it.
FIRST_SHORT_YEAR = 69
HOURS_OF_HALF_A_DAY = 12
MONTH_NUMBERS = {
    name: f"{number:02}" for names in (MONTHS, SHORT_MONTHS) for number, name in enumerate(names, 1)
}


def iso_parts(pattern: TimestampPattern, part: Part) -> pl.Expr:
    """The groups of ISO 8601: date, minute, second, fraction, sign, hours and minutes."""

    def group(name: str) -> pl.Expr:
        return part(name) if name in pattern.letters else pl.lit(None, pl.String)

    minute = group("M").fill_null("00").str.zfill(2)
    numeric_offset = "z" in pattern.letters
    return pl.struct(
        pl.concat_str(_year(pattern, part), _month(pattern, part), _day(part), separator="-").alias(
            "date"
        ),
        pl.concat_str(_hour(pattern, part), minute, separator=":").alias("minute"),
        group("S").str.zfill(2).alias("second"),
        group("f").alias("fraction"),
        *(
            (part(name) if numeric_offset else pl.lit(None, pl.String)).alias(name)
            for name in ("sign", "hours", "minutes")
        ),
    )


def _year(pattern: TimestampPattern, part: Part) -> pl.Expr:
    if "Y" in pattern.letters:
        return part("Y")
    of_this_century = part("y").cast(pl.Int64) < FIRST_SHORT_YEAR
    century = pl.when(of_this_century).then(pl.lit("20")).otherwise(pl.lit("19"))
    return pl.concat_str(century, part("y"))


def _month(pattern: TimestampPattern, part: Part) -> pl.Expr:
    if "m" in pattern.letters:
        return part("m").str.zfill(2)
    name = part("b" if "b" in pattern.letters else "B")
    return name.str.to_lowercase().replace(MONTH_NUMBERS)


def _day(part: Part) -> pl.Expr:
    return part("d").str.zfill(2)


def _hour(pattern: TimestampPattern, part: Part) -> pl.Expr:
    if "H" in pattern.letters:
        return part("H").str.zfill(2)
    afternoon = (part("p").str.to_lowercase() == "pm").cast(pl.Int64)
    hour = part("I").cast(pl.Int64) % HOURS_OF_HALF_A_DAY + HOURS_OF_HALF_A_DAY * afternoon
    return hour.cast(pl.String).str.zfill(2)
