"""Options and types of arguments that several commands share. Imports nothing heavy: every command line is parsed."""

import argparse
from typing import TypeAlias

from lsp_server.settings.quants import QUANTS

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # argparse has no public name for it

PLACE_HELP = "a file and the cursor in it; lines and columns count from 1"


def json_option() -> argparse.ArgumentParser:
    """A parent parser with `--json`."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--json", action="store_true", help="print JSON")
    return parent


def model_options() -> argparse.ArgumentParser:
    """A parent parser with `--model` and `--quant`."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--model",
        metavar="MODEL",
        help="use this model: its name, its folder, or remote:URL#NAME for a server's; default: the settings' model",
    )
    parent.add_argument(
        "--quant", choices=QUANTS, help="hold the weights in this form; auto chooses by the memory of this machine"
    )
    return parent


def model_flags(options: argparse.Namespace, section: str = "completion") -> dict[str, str]:
    """The model options that were given, under the names of their settings."""
    given = {f"{section}.model": options.model, f"{section}.quant": options.quant}
    return {name: value for name, value in given.items() if value}


def natural(text: str) -> int:
    """A type of arguments: a whole number, 0 included."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def positive(text: str) -> int:
    """A type of arguments: a whole number, 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)
