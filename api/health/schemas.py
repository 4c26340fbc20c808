from typing import Literal

from msgspec import Struct


class Alive(Struct, frozen=True):
    """The process is alive."""

    status: Literal["alive"] = "alive"


class Checks(Struct, frozen=True):
    """What a ready server depends on."""

    database: Literal["ok", "unavailable"]
    migrations: Literal["ok", "behind", "unknown"]
    worker: Literal["ok", "absent", "unknown"]


class Readiness(Struct, frozen=True):
    """Whether requests can be served. Without a worker they can; imports then wait for one."""

    status: Literal["ready", "unready"]
    checks: Checks
