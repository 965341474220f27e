"""Machines of a given speed, so that no test depends on the machine that it runs on."""

from inference.speed.machine_speed import MachineSpeed


def machine(gb_per_s: float) -> MachineSpeed:
    """A machine that reads and multiplies weights of every form at one speed."""
    return MachineSpeed(gb_per_s * 1e9, dict.fromkeys(("wide", "int8", "int4"), gb_per_s * 1e9), layer_ms=0.05)
