"""The device of a model is the one that holds it, and a line says why it is that one."""

from typing import Any

import pytest

from inference.devices.cards import find_cards
from inference.devices.choice import Need, Placement, place
from tests.inference.devices.made_up_driver import GIB, MadeUpDriver, card

# DeepSeek-Coder-V2-Lite: with cache and work space 38, 22.8 and 16.3 GiB.
LITE = Need({"wide": int(31.4 * GIB), "int8": int(15.8 * GIB), "int4": int(9.3 * GIB)}, 5 * GIB, 2 * GIB)
TINY = Need({"wide": 15 << 20}, 1 << 20, 1 << 20)
TOO_OLD = "The NVIDIA driver on your system is too old (found version 11040). Please update\nyour GPU driver"
NO_DRIVER = "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU"
OLD_CARD = card("GTX 1080 Ti", 70, (6, 1))


def choose(driver: MadeUpDriver, setting: str = "auto", need: Need = LITE) -> list[Placement]:
    return place(setting, need, lambda: find_cards(driver))


@pytest.mark.parametrize(
    ("free_gib", "device", "form"),
    [
        (79, "cuda:0", "wide"),
        (39, "cuda:0", "wide"),
        (38.5, "cuda:0", "int8"),
        (24, "cuda:0", "int8"),
        (23.2, "cuda:0", "int4"),
        (16.9, "cuda:0", "int4"),
        (16.7, "cpu", None),
    ],
)
def test_a_gpu_takes_the_most_precise_form_that_it_holds_with_cache_and_work_space(
    free_gib: float, device: str, form: str | None
) -> None:
    first, *_ = choose(MadeUpDriver((card(free_gib=free_gib),)))
    assert (first.device, first.form) == (device, form)


def test_smaller_forms_and_then_the_cpu_come_behind_for_when_the_memory_is_gone_meanwhile() -> None:
    places = choose(MadeUpDriver((card("A", 30), card("B", 60))))
    assert [(each.device, each.form) for each in places] == [
        ("cuda:1", "wide"),
        ("cuda:1", "int8"),
        ("cuda:1", "int4"),
        ("cuda:0", "int8"),
        ("cuda:0", "int4"),
        ("cpu", None),
    ]
    assert places[0].reason == "B holds the weights as stored with their cache and work space: 38.4 of 60.0 GiB free"
    assert places[0].spare_bytes == int(60 * GIB) - GIB // 2 - LITE.bytes_in("wide")


@pytest.mark.parametrize(
    ("setting", "driver", "reason"),
    [
        ("cpu", {"cards": (card(),)}, "the setting says so"),
        ("auto", {"toolkit": None}, "this torch is built for CPUs alone"),
        ("cuda", {"toolkit": None}, "this torch is built for CPUs alone"),
        (
            "auto",
            {"error": TOO_OLD},
            "the GPU's driver is too old for this torch, which is built for CUDA 12.8: update the driver",
        ),
        ("auto", {"error": NO_DRIVER}, "torch for CUDA 12.8 finds no NVIDIA driver here"),
        ("auto", {"error": "device is lost\nat cuda.c"}, "the GPU's driver cannot be used: device is lost"),
        ("auto", {"cards": (), "toolkit": "ROCm 6.4"}, "torch for ROCm 6.4 finds no GPU here"),
        (
            "auto",
            {"cards": (OLD_CARD,)},
            "GTX 1080 Ti is too old: it has compute capability 6.1, and bf16 wants 8.0 or newer",
        ),
        (
            "cuda:1",
            {"cards": (card(), OLD_CARD)},
            "GTX 1080 Ti is too old: it has compute capability 6.1, and bf16 wants 8.0 or newer",
        ),
        ("cuda:2", {"cards": (card(), OLD_CARD)}, "this machine has no cuda:2; it has cuda:0, cuda:1"),
        ("auto", {"cards": ("ECC error\n",)}, "cuda:0 does not answer: ECC error"),
        (
            "auto",
            {"cards": (card("A", 4),)},
            "A has 4.0 GiB free, and the model needs 16.8 GiB in int4 at least",
        ),
        ("mps", {"toolkit": None}, "this machine has no Apple GPU that torch can use"),
        (
            "auto",
            {"toolkit": None, "has_mps": True},
            'Apple\'s GPU serves only where the setting device is "mps": nobody has measured or tested a model on '
            "Apple's GPU yet; torch computes there, without our kernels",
        ),
    ],
)
def test_where_no_gpu_can_serve_the_cpu_does_and_one_line_says_why(
    setting: str, driver: dict[str, Any], reason: str
) -> None:
    assert choose(MadeUpDriver(**driver), setting) == [Placement("cpu", None, reason)]


def test_a_card_can_be_named_and_rocm_has_no_capability() -> None:
    driver = MadeUpDriver((card(), card("MI300X", 60, None)), "ROCm 6.4")
    assert {each.device for each in choose(driver, "cuda:1")} == {"cuda:1", "cpu"}
    assert choose(driver, "cuda")[0].device == "cuda:0"


def test_apples_gpu_serves_where_it_is_named_and_is_called_untested() -> None:
    on_mps, on_cpu = choose(MadeUpDriver(toolkit=None, has_mps=True), "mps")
    assert (on_mps.device, on_mps.form, on_cpu.device) == ("mps", "wide", "cpu")
    assert "nobody has measured or tested" in on_mps.reason


def test_a_tiny_model_does_not_wake_a_gpu_unless_it_is_named() -> None:
    def forbidden() -> Any:
        raise AssertionError("the driver was asked")

    assert place("auto", TINY, forbidden)[0].reason == "a model this small is fast there"
    assert choose(MadeUpDriver((card(),)), "cuda", TINY)[0].device == "cuda:0"
