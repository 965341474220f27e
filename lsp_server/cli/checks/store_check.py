"""What unfinished pulls and imports have left in the folder of models."""

from inference.store.model_store import user_store
from lsp_server.cli.checks.finding import Finding
from lsp_server.cli.output.sizes import size

_SUBJECT = "models"


def check_store() -> list[Finding]:
    """A pull that can go on is good work, and stays; what nothing goes on with may go."""
    store = user_store()
    found = [
        Finding(
            _SUBJECT,
            f"{pull.name} is not whole: {size(pull.size_bytes)} are fetched.",
            fix=f"To go on: {pull.command}. To drop it: midspan model remove {pull.name}",
        )
        for pull in store.unfinished()
    ]
    left = store.leftovers()
    if left:
        taken = sum(file.stat().st_size for folder in left for file in folder.rglob("*") if file.is_file())
        what = f"A command that was killed has left {size(taken)} in {store.root / 'work'}, of no use to anything."

        def sweep() -> str:
            store.sweep()
            return f"{store.root / 'work'} holds only what a pull can go on with."

        found.append(Finding(_SUBJECT, what, is_wrong=True, fix="To remove it: midspan doctor --fix", mend=sweep))
    return found or [Finding(_SUBJECT, f"{len(store.names())} in {store.models}.")]
