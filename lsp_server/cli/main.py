"""The command line. Each command's module is imported when it runs, so that `serve` starts at once."""

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lsp_server.cli.context_parser import add_context_commands
from lsp_server.cli.eval_parser import add_eval_command
from lsp_server.cli.insight_parser import add_insight_commands
from lsp_server.cli.model_parser import add_model_commands
from lsp_server.settings.quants import QUANTS
from midspan import MidspanError, SettingsError, __version__

if TYPE_CHECKING:  # their modules are imported when they are needed
    from lsp_server.settings.values import Settings

_DESCRIPTION = "A code-assist daemon: inline completions from a model inside the process, over LSP."

_HAS_DAEMON = hasattr(socket, "AF_UNIX")  # Windows has none


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, 1 when something is wrong, 2 for a wrong command line."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except MidspanError as error:
        print(f"midspan: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of the output has enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(options: argparse.Namespace) -> int:
    if options.command == "model":
        from lsp_server.cli.model_command import run_model_command

        return run_model_command(options)
    if options.command == "index":
        from lsp_server.cli.index_command import index_workspace

        return index_workspace(options.path, as_json=options.json)
    if options.command == "context" and options.question == "why":
        from lsp_server.cli.context_command import explain_file

        return explain_file(options.file, as_json=options.json)
    if options.command == "stats":
        from lsp_server.cli.stats_command import show_stats

        return show_stats(options.days, as_json=options.json)
    if options.command == "serve":
        return _serve(options)
    if options.command in ("daemon", "status", "trace", "dashboard"):
        return _daemon(options)
    if options.command == "doctor":
        return _examine(options)
    settings = _settings(options)
    if options.command == "chat":
        from lsp_server.cli.chat_command import chat

        return chat(options.prompt, settings)
    if options.command == "complete":
        from lsp_server.cli.complete_command import complete_at

        return complete_at(options.place, settings, as_json=options.json, show=options.show)
    if options.command == "context":
        from lsp_server.cli.context_command import show_context

        return show_context(options.place, settings, options.budget, as_json=options.json)
    return _evaluate(options, settings)


def _settings(options: argparse.Namespace) -> "Settings":
    """Those that hold at the command's place, or else in the current folder. Raises SettingsError for a flag."""
    settings, errors, _ = _read_settings(options)
    for error in errors:
        print(f"midspan: {error}", file=sys.stderr)
    return settings


def _read_settings(options: argparse.Namespace) -> "tuple[Settings, list[SettingsError], Path]":
    """With what is wrong in them, and the root of the repository that they are for. Raises SettingsError for a flag."""
    from lsp_server.cli.complete_command import root_of
    from lsp_server.settings.sources import check_flags, load_settings

    flags = _flags(options, "chat" if options.command == "chat" else "completion")
    check_flags(flags, Path.cwd())
    place = getattr(options, "place", None)
    root = root_of(Path(place.rsplit(":", 2)[0]) if place else Path("here"))
    return *load_settings([root], Path.cwd(), [flags]), root


def _examine(options: argparse.Namespace) -> int:
    from lsp_server.cli.doctor_command import examine

    settings, errors, root = _read_settings(options)
    return examine(settings, errors, root, as_json=options.json, fixes=options.fix)


def _flags(options: argparse.Namespace, section: str = "completion") -> dict[str, str]:
    """What was said on the command line, by the names of the settings."""
    said = {f"{section}.model": options.model, f"{section}.quant": options.quant}
    return {name: value for name, value in said.items() if value}


def _serve(options: argparse.Namespace) -> int:
    if options.standalone or not _HAS_DAEMON:
        from lsp_server.daemon.standalone import serve

        code = serve(_flags(options), options.log_file)
    else:
        from lsp_server.relay.relay import relay

        code = relay(_flags(options), options.log_file)
    sys.stderr.flush()
    # The interpreter would wait for a load of torch that is under way, and may crash in it.
    os._exit(code)


def _daemon(options: argparse.Namespace) -> int:
    if not _HAS_DAEMON:
        raise SettingsError("There is no daemon on this system; midspan serve works without one.")
    if options.command == "trace":
        from lsp_server.cli.trace_command import show_traces

        return show_traces(options.id, options.limit, follow=options.follow, as_json=options.json)
    if options.command == "dashboard":
        from lsp_server.cli.dashboard_command import open_dashboard

        return open_dashboard(is_opened=not options.no_open)
    from lsp_server.cli.daemon_command import daemon_command

    return daemon_command(getattr(options, "action", "status"), as_json=options.json)


def _evaluate(options: argparse.Namespace, settings: "Settings") -> int:
    # The yardstick stands above the server: it measures what that shows. Only the command line looks up to it.
    from evaluation.evaluate import evaluate
    from evaluation.suites import Choices

    choices = Choices(options.limit, options.tasks, options.packages, options.longest)
    return evaluate(options.suite, settings.completion, choices, as_json=options.json, folder=options.out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("midspan", description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"midspan {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    model = argparse.ArgumentParser(add_help=False)
    model.add_argument(
        "--model",
        metavar="MODEL",
        help="a model's name or folder, or a server's model as remote:URL#NAME; without it, what the settings say",
    )
    model.add_argument("--quant", choices=QUANTS, help="how the weights are kept; auto: by the memory of the machine")
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="print JSON")

    serve = commands.add_parser("serve", parents=[model], help="serve an editor on stdin and stdout")
    serve.add_argument("--log-file", type=Path, metavar="FILE", help="log this session there too")
    serve.add_argument("--standalone", action="store_true", help="serve in this process, without the shared daemon")
    complete = commands.add_parser("complete", parents=[model, as_json], help="complete a file at one place")
    complete.add_argument("place", metavar="FILE:LINE:COL", help="line and column count from 1")
    complete.add_argument("--show", action="store_true", help="print the file around the cursor with the fill in grey")
    chat = commands.add_parser("chat", parents=[model], help="ask the chat model")
    chat.add_argument("prompt", nargs="?", metavar="PROMPT", help="the question; without it, stdin")
    add_context_commands(commands, model, as_json)
    daemon = commands.add_parser("daemon", parents=[as_json], help="the process that serves all editors")
    daemon.add_argument("action", choices=("start", "stop", "status", "logs"))
    add_insight_commands(commands, as_json)
    doctor = commands.add_parser("doctor", parents=[model, as_json], help="say what is installed and what is wrong")
    doctor.add_argument("--fix", action="store_true", help="mend what can be mended without losing anything")
    add_eval_command(commands, model, as_json)
    add_model_commands(commands.add_parser("model", help="fetch, import, check and remove models"))
    return parser
