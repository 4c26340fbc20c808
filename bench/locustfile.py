"""Sensors for Locust: each sends one reading, waits one to three seconds, and sends the next."""

import os
from datetime import UTC, datetime
from itertools import count

from locust import FastHttpUser, between, task

from bench.users import TOKEN_VARIABLE


class Sensor(FastHttpUser):
    """A sensor with a keep-alive connection; anything but 201 is a failure."""

    wait_time = between(1, 3)
    numbers = count()

    def on_start(self) -> None:
        """Set a unique id."""
        self.equipment_id = f"LOCUST-{next(self.numbers)}"
        self.headers = {"Authorization": f"Bearer {os.environ[TOKEN_VARIABLE]}"}

    @task
    def send_reading(self) -> None:
        """Send one reading with the current time."""
        reading = {
            "equipmentId": self.equipment_id,
            "timestamp": datetime.now(UTC).isoformat(),
            "value": 21.5,
        }
        self.client.post("/sensor-data", json=reading, headers=self.headers)
