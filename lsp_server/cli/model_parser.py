"""The command line of `midspan model`; apart from what it runs, so that other commands do not wait for that."""

import argparse
from pathlib import Path


def add_model_commands(parser: argparse.ArgumentParser) -> None:
    """The parsers below `midspan model`."""
    commands = parser.add_subparsers(dest="model_command", required=True, metavar="COMMAND")
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="print JSON")
    one = argparse.ArgumentParser(add_help=False)
    one.add_argument("name", metavar="NAME")

    commands.add_parser("list", parents=[as_json], help="show what is here, what can be had, what fits this machine")
    pull = commands.add_parser("pull", help="fetch a model of the catalogue or of a hub")
    pull.add_argument("name", metavar="NAME|OWNER/NAME[@REVISION]")
    importing = commands.add_parser("import", help="take a GGUF file or a folder of safetensors in")
    importing.add_argument("path", type=Path, metavar="PATH")
    importing.add_argument("--name", help="what to call it; without it, as the file or folder is called")
    importing.add_argument(
        "--dtype",
        choices=("auto", "bfloat16", "float32"),
        default="auto",
        help="how to keep a GGUF's weights; auto: float32 only where the file has it",
    )
    commands.add_parser("verify", parents=[one], help="compare a model's files with their checksums")
    commands.add_parser("remove", parents=[one], help="delete a model, or what is left of a pull")
    commands.add_parser("info", parents=[one, as_json], help="say what is known of a model")
