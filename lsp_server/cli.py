"""The command line. Each command's module is imported when it runs, so that `serve` starts at once."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lsp_server.model_parser import add_model_commands
from lsp_server.settings import QUANTS, Settings, parse_model
from midspan import MidspanError, __version__

_DESCRIPTION = "A code-assist daemon: inline completions from a model inside the process, over LSP."


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, 1 when something is wrong, 2 for a wrong command line."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "model":
            from lsp_server.model_commands import run_model_command

            return run_model_command(options)
        model = parse_model(options.model) if options.model else None
        settings = Settings(model=model, quant=options.quant)
        if options.command == "serve":
            return _serve(settings, options.log_file)
        if options.command == "complete":
            from lsp_server.complete import complete_at

            return complete_at(options.place, settings, as_json=options.json, show=options.show)
        from lsp_server.doctor import examine

        return examine(settings, as_json=options.json)
    except MidspanError as error:
        print(f"midspan: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of the output has enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except KeyboardInterrupt:
        return 130


def _serve(settings: Settings, log_file: Path | None) -> int:
    from lsp_server.serve import serve

    code = serve(settings, log_file)
    sys.stderr.flush()
    # The interpreter would wait for a load of torch that is under way, and may crash in it.
    os._exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("midspan", description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"midspan {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    model = argparse.ArgumentParser(add_help=False)
    model.add_argument(
        "--model",
        metavar="MODEL",
        help="a model's name or folder, or a server's model as remote:URL#NAME; without it, the built-in model",
    )
    model.add_argument(
        "--quant", choices=QUANTS, default="auto", help="how the weights are kept; auto: by the memory of the machine"
    )
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="print JSON")

    serve = commands.add_parser("serve", parents=[model], help="serve an editor on stdin and stdout")
    serve.add_argument("--log-file", type=Path, metavar="FILE", help="log there, not to stderr")
    complete = commands.add_parser("complete", parents=[model, as_json], help="complete a file at one place")
    complete.add_argument("place", metavar="FILE:LINE:COL", help="line and column count from 1")
    complete.add_argument("--show", action="store_true", help="print the file around the cursor with the fill in grey")
    commands.add_parser("doctor", parents=[model, as_json], help="say what is installed and what is wrong")
    add_model_commands(commands.add_parser("model", help="fetch, import, check and remove models"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
