"""`midspan chat`: asks the chat model from the terminal."""

import argparse
from pathlib import Path

from lsp_server.cli.input.options import Commands, model_flags, model_options

_DESCRIPTION = """\
Ask the chat model, about the repository around the current folder if there is one. The code that a question is about
is found by the names and words in it. "@" names a file, a folder or a definition: @src/app.py, @src/, @App.run. The
parts of files that an answer is from are listed under it, on stderr."""


def add_parser(commands: Commands) -> None:
    """Add `chat`."""
    parser = commands.add_parser(
        "chat",
        parents=[model_options()],
        help="ask the chat model",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("prompt", nargs="?", metavar="PROMPT", help="the question; default: read it from stdin")
    parser.add_argument(
        "-f",
        "--file",
        dest="files",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a file or a folder that the question is about; may be given more than once",
    )
    parser.add_argument(
        "--workspace",
        type=Path,
        metavar="PATH",
        help="the folder that the question is about; default: the repository around the file, or the current folder",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the answers; return the exit code. Raises MidspanError."""
    from lsp_server.cli.input.command_settings import settings_for
    from lsp_server.cli.input.place import current_root, is_repository, root_of
    from lsp_server.cli.terminal_chat import About, chat
    from midspan import DocumentError

    root: Path | None = options.workspace
    if root is not None and not root.is_dir():
        raise DocumentError(f"{root} is no folder. Name the folder of a project with --workspace.")
    if root is None and options.files:
        root = root_of(options.files[0])
    if root is None and is_repository(current_root()):
        root = current_root()
    settings = settings_for(model_flags(options, "chat"), root or current_root())
    return chat(options.prompt, About(root, options.files), settings)
