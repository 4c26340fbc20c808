"""The expander against the examples of Grafana's own documentation and tests."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.bi.grafana.macros import Fill, MacroError, Request, expand

START, END = datetime(2018, 4, 12, 18, 0, tzinfo=UTC), datetime(2018, 4, 12, 18, 5, tzinfo=UTC)
ON = Request(START, END, variables={"id": ("a", "O'Hara"), "none": ()})
OFF = Request(START, END, interval=timedelta(seconds=90), timescaledb=False)


@pytest.mark.parametrize(
    ("request_", "sql", "expanded"),
    [
        (ON, "$__time(t)", 't AS "time"'),
        (ON, "$__timeEpoch(t)", 'extract(epoch from t) as "time"'),
        (ON, "$__timeFilter(t)", "t BETWEEN '2018-04-12T18:00:00Z' AND '2018-04-12T18:05:00Z'"),
        (ON, "$__timeFrom() $__timeTo()", "'2018-04-12T18:00:00Z' '2018-04-12T18:05:00Z'"),
        (ON, "$__timeGroup(t,'5m')", "time_bucket('300.000s',t)"),
        (ON, "$__timeGroup(t , '5m'), v", "time_bucket('300.000s',t) AS \"time\", v"),
        (ON, "$__timeGroupAlias(t,5m)", "time_bucket('300.000s',t) AS \"time\""),
        (ON, "$__timeGroupAlias(t,$__interval)", "time_bucket('300.000s',t) AS \"time\""),
        (OFF, "$__timeGroup(t,'5m')", "floor(extract(epoch from t)/300)*300"),
        (OFF, "$__timeGroupAlias(t,'1h')", 'floor(extract(epoch from t)/3600)*3600 AS "time"'),
        (OFF, "$__interval $__interval_ms", "1m 90000"),
        (ON, "$__unixEpochFilter(t)", "t >= 1523556000 AND t <= 1523556300"),
        (ON, "$__unixEpochFrom() $__unixEpochTo()", "1523556000 1523556300"),
        (ON, "$__unixEpochNanoFrom()", "1523556000000000000"),
        (ON, "$__unixEpochNanoTo()", "1523556300000000000"),
        (
            ON,
            "$__unixEpochNanoFilter(t)",
            "t >= 1523556000000000000 AND t <= 1523556300000000000",
        ),
        (ON, "$__unixEpochGroup(t,'5m')", "floor((t)/300)*300"),
        (ON, "$__unixEpochGroupAlias(t,'5m')", 'floor((t)/300)*300 AS "time"'),
        (ON, "IN (${id:sqlstring})", "IN ('a','O''Hara')"),
        (ON, "IN (${none:sqlstring}) $other", "IN () $other"),
    ],
)
def test_a_macro_becomes_what_grafana_makes_of_it(
    request_: Request, sql: str, expanded: str
) -> None:
    assert expand(sql, request_).sql == expanded


@pytest.mark.parametrize("mode", ["NULL", "previous", "0", "1.5"])
def test_the_third_argument_of_a_group_fills_gaps(mode: str) -> None:
    assert expand(f"$__timeGroup(t,'1h',{mode})", ON).fill == Fill(3600, mode)


@pytest.mark.parametrize(
    "sql",
    [
        "$__timeGroup(t)",
        "$__timeGroup(t,'soon')",
        "$__timeGroup(t,'5m',zero)",
        "$__timeFiltre(t)",
        "$id",
        "${id}",
        "${id:csv}",
    ],
)
def test_what_grafana_would_refuse_or_what_would_not_be_quoted_is_an_error(sql: str) -> None:
    with pytest.raises(MacroError):
        expand(sql, ON)
