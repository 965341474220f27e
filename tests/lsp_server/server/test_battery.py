"""The system is asked whether the machine runs on its battery, but not at each keystroke."""

import time
from types import SimpleNamespace

import psutil
import pytest

from lsp_server.server.battery import Battery, is_on_battery


@pytest.mark.parametrize(
    ("found", "is_used"),
    [
        (None, False),
        (SimpleNamespace(power_plugged=True), False),
        (SimpleNamespace(power_plugged=None), False),
        (SimpleNamespace(power_plugged=False), True),
    ],
)
def test_the_battery_is_used_when_the_system_says_that_no_plug_is_in(
    found: object, is_used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "sensors_battery", lambda: found, raising=False)
    assert is_on_battery() is is_used


def test_a_system_that_knows_no_battery_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(psutil, "sensors_battery", raising=False)
    assert not is_on_battery()


def test_a_container_without_sys_has_no_battery(monkeypatch: pytest.MonkeyPatch) -> None:
    def sensor() -> None:
        raise FileNotFoundError(2, "No such file or directory", "/sys/class/power_supply")

    monkeypatch.setattr(psutil, "sensors_battery", sensor, raising=False)
    assert not is_on_battery()


def test_the_system_is_asked_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    answers = iter([True, False])
    monkeypatch.setattr(time, "monotonic", lambda: now)
    asked = Battery(lambda: next(answers))
    assert [asked.is_used for _ in range(5)] == [True] * 5
    now = 109.0
    assert asked.is_used
    now = 110.0
    assert not asked.is_used
