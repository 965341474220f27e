"""`midspan doctor` tells which GPUs can serve, and why others cannot."""

from inference.devices.cards import find_cards
from lsp_server.cli.checks.gpu_check import check_gpus
from tests.inference.devices.made_up_driver import MadeUpDriver, card


def lines(driver: MadeUpDriver) -> list[str]:
    found = check_gpus(find_cards(driver))
    assert not any(finding.is_wrong for finding in found)
    return [finding.what for finding in found]


def test_each_gpu_has_a_line():
    driver = MadeUpDriver((card("H100", 79), card("GTX 1080 Ti", 11, (6, 1)), "it is lost"))
    assert lines(driver) == [
        "cuda:0 can serve: H100, with 84.8 GB free of 85.9 GB.",
        "cuda:1 cannot serve: GTX 1080 Ti is too old: it has compute capability 6.1, and bf16 wants 8.0 or newer.",
        "cuda:2 cannot serve: cuda:2 does not answer: it is lost.",
    ]


def test_where_there_is_none_a_line_says_why():
    assert lines(MadeUpDriver(toolkit=None)) == ["No GPU can serve: this torch is built for CPUs alone."]
    assert lines(MadeUpDriver(toolkit=None, has_mps=True)) == [
        'mps may serve where the setting device is "mps"; nobody has tested it.'
    ]
