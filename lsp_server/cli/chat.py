"""`midspan chat`: asks the chat model from the terminal."""

import argparse

from lsp_server.cli.input.options import Commands, model_flags, model_options


def add_parser(commands: Commands) -> None:
    """Add `chat`."""
    parser = commands.add_parser("chat", parents=[model_options()], help="ask the chat model")
    parser.add_argument("prompt", nargs="?", metavar="PROMPT", help="the question; default: read it from stdin")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the answers; return the exit code. Raises MidspanError."""
    from lsp_server.cli.input.command_settings import settings_for
    from lsp_server.cli.input.place import current_root
    from lsp_server.cli.terminal_chat import chat

    return chat(options.prompt, settings_for(model_flags(options, "chat"), current_root()))
