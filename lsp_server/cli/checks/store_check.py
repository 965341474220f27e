"""The check of the model store: what unfinished pulls and imports have left."""

from inference.store.model_store import user_store
from lsp_server.cli.checks.finding import Finding
from lsp_server.cli.output.sizes import size_in_words

_SUBJECT = "models"


def check_store() -> list[Finding]:
    """Report each pull that can go on, and offer to delete files that no command can go on with."""
    store = user_store()
    found = [
        Finding(
            _SUBJECT,
            f"{pull.name} is not complete: {size_in_words(pull.size_bytes)} are fetched.",
            fix=f"To go on: {pull.command}. To drop it: midspan model remove {pull.name}",
        )
        for pull in store.unfinished()
    ]
    left = store.leftovers()
    if left:
        taken = sum(file.stat().st_size for folder in left for file in folder.rglob("*") if file.is_file())
        what = f"A command that was killed has left {size_in_words(taken)} of useless files in {store.root / 'work'}."

        def sweep() -> str:
            store.sweep()
            return f"{store.root / 'work'} holds only what a pull can go on with."

        found.append(Finding(_SUBJECT, what, is_wrong=True, fix="To delete them: midspan doctor --fix", mend=sweep))
    return found or [Finding(_SUBJECT, f"{len(store.names())} models are in {store.models}.")]
