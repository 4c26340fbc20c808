"""What the demo's administrator says of the sample's equipment: names, units, places."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import httpx2

from cli.demo.sample import LIVE_PREFIX
from embedded.identity import read_accounts

ADMINISTRATOR = "radix"
LIVE_PERIOD_SECONDS = 3600  # of the history, in which gaps would be shown otherwise
ZONE = "America/New_York"
# By the parts of an id such as LIVE-JFK-TEMP.
AIRPORTS = {"EWR": "Newark", "JFK": "Kennedy", "LGA": "LaGuardia"}
QUANTITIES = {
    "DEWP": ("dew point", "°F"),
    "HUMID": ("humidity", "%"),
    "PRESS": ("pressure", "mbar"),
    "TEMP": ("temperature", "°F"),
    "VISIB": ("visibility", "mi"),
    "WIND": ("wind", "mph"),
}


def describe_equipment(api_url: str, ids: Iterable[str]) -> None:
    """Describe equipment as a person with the scope admin, in a session as a browser has it."""
    with httpx2.Client(base_url=api_url, headers={"Origin": api_url}, timeout=60) as http:
        password = read_accounts().passwords[ADMINISTRATOR]
        http.post("/auth/login", auth=(ADMINISTRATOR, password)).raise_for_status()
        for equipment_id in ids:
            path = f"/equipment/{quote(equipment_id, safe='')}"
            headers = {"Content-Type": "application/merge-patch+json"}
            http.patch(path, json=description(equipment_id), headers=headers).raise_for_status()
        http.post("/auth/logout").raise_for_status()


def description(equipment_id: str) -> Mapping[str, Any]:
    """The merge patch of a piece of the sample's equipment."""
    airport, quantity = equipment_id.removeprefix(LIVE_PREFIX).split("-")
    name, unit = QUANTITIES[quantity]
    is_live = equipment_id.startswith(LIVE_PREFIX)
    return {
        "name": f"{AIRPORTS[airport]} {name}" + ("" if is_live else " 2013"),
        "unit": unit,
        "location": f"{AIRPORTS[airport]} airport",
        "zone": ZONE,
        "expectedPeriodSeconds": LIVE_PERIOD_SECONDS if is_live else None,
    }
