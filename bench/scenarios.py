"""The scenarios by their names on the command line."""

from bench.aggregates import aggregates
from bench.batches import batches, line_protocol
from bench.bi import bi
from bench.bi_load import bi_load
from bench.equipment import equipment
from bench.imports import csv_import
from bench.influx import single_post_against_influx
from bench.large_bodies import large_bodies
from bench.measure import Scenario
from bench.running_hour import running_hour
from bench.single_post import single_post
from bench.soak import soak
from bench.storage import storage
from bench.sustained import sustained
from bench.tsbs.scenario import tsbs
from bench.users import users
from bench.watch import watch

# First those that need a database without readings; they leave none behind.
SCENARIOS: dict[str, Scenario] = {
    "import": csv_import,
    "batch": batches,
    "line-protocol": line_protocol,
    "large-bodies": large_bodies,
    "storage": storage,
    "aggregate": aggregates,
    "equipment": equipment,
    "running-hour": running_hour,
    "tsbs": tsbs,
    "post": single_post,
    "influx": single_post_against_influx,
}

# Run only if named: each takes long, or measures again what others do.
LONG_SCENARIOS: dict[str, Scenario] = {
    "bi": bi,
    "bi-load": bi_load,
    "users": users,
    "soak": soak,
    "sustained": sustained,
    "watch": watch,
}
