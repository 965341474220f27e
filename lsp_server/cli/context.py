"""`midspan context show|why`: the parts of a prompt, and the rule that decides on a file."""

import argparse
from pathlib import Path

from lsp_server.cli.input.options import PLACE_HELP, Commands, json_option, model_flags, model_options, positive


def add_parser(commands: Commands) -> None:
    """Add `context` with its two questions."""
    parser = commands.add_parser("context", help="show what a prompt holds, and why")
    questions = parser.add_subparsers(required=True, metavar="QUESTION")
    show = questions.add_parser("show", parents=[model_options(), json_option()], help="print the prompt at one place")
    show.add_argument("place", metavar="FILE:LINE:COL", help=PLACE_HELP)
    show.add_argument("--budget", type=positive, metavar="TOKENS", help="the most tokens that the prompt may have")
    show.set_defaults(run=run_show)
    why = questions.add_parser("why", parents=[json_option()], help="name the rule that includes or excludes a file")
    why.add_argument("file", type=Path, metavar="FILE")
    why.set_defaults(run=run_why)


def run_show(options: argparse.Namespace) -> int:
    """Print the prompt; return the exit code. Raises MidspanError."""
    from lsp_server.cli.input.command_settings import settings_for
    from lsp_server.cli.input.place import root_of_place
    from lsp_server.cli.prompt_at_place import show_prompt

    settings = settings_for(model_flags(options), root_of_place(options.place))
    return show_prompt(options.place, settings, options.budget, as_json=options.json)


def run_why(options: argparse.Namespace) -> int:
    """Print the rule; return the exit code. Raises DocumentError for a file that does not exist."""
    import json
    from dataclasses import asdict

    from context.documents.file_names import relative_path
    from context.index.explain import explain
    from lsp_server.cli.input.place import root_of
    from midspan import DocumentError
    from midspan.visible_text import visible_line

    path: Path = options.file
    if not path.exists():
        raise DocumentError(f"{path} does not exist. Check the name.")
    root = root_of(path)
    name = relative_path(path, root)
    verdict = explain(root, name)
    if options.json:
        print(json.dumps({"path": name, "root": str(root), **asdict(verdict)}))
    else:
        print(visible_line(f"{name} is {'read' if verdict.included else 'not read'}: {verdict.why}"))
    return 0
