"""The model's part of setup: measures the machine, proposes a model, fetches it, and has completion use it."""

from inference.store.catalogue import read_catalogue, user_catalogue_path
from inference.store.model_store import user_store
from inference.store.pull import pull_model
from lsp_server.cli.input.command_settings import settings_for
from lsp_server.cli.input.place import current_root
from lsp_server.cli.output.known_speed import known_speed
from lsp_server.cli.output.model_marks import LEAST_TOKENS_PER_S, current_name
from lsp_server.cli.setup.changed_file import plan_change, read_text
from lsp_server.cli.setup.dialog import Dialog
from lsp_server.cli.setup.propose_model import Proposal, propose_models
from lsp_server.cli.setup.record import SetupRecord
from lsp_server.cli.setup.toml_key import TomlKey, read_toml
from lsp_server.settings.source import user_settings_file
from midspan import MidspanError


def set_up_model(dialog: Dialog, record: SetupRecord, *, is_dry: bool) -> None:
    """Propose a model where none is chosen yet. Raises MidspanError."""
    store, chosen = user_store(), settings_for({}, current_root()).completion.model
    proposals = propose_models(store, read_catalogue(user_catalogue_path()), known_speed())
    least = f"at {LEAST_TOKENS_PER_S['completion']:.0f} tokens a second or more"
    if not proposals:
        dialog.say(f"No model of the catalogue completes {least} on this machine; the built-in one does.")
        return
    dialog.say(f"The largest models that complete {least} on this machine, the recommended one first:")
    dialog.show("\n".join(f"{number}. {proposal}" for number, proposal in enumerate(proposals, 1)))
    if chosen is not None:
        dialog.say(f"Your settings choose {current_name(chosen, store)}, and that stays.")
        return
    number = None if is_dry else dialog.choose("Fetch one and complete with it?", len(proposals))
    if number is None:
        dialog.say("The built-in model completes; `midspan model list` shows the others.")
        return
    wanted = proposals[number]
    if not wanted.is_here and not _fetch(dialog, wanted):
        here = next((proposal for proposal in proposals if proposal.is_here), None)
        if here is None or not dialog.agrees(f"Complete with {here.name} until then, which is here?"):
            dialog.say("The built-in model completes.")
            return
        wanted = here
    _complete_with(dialog, record, wanted.name)


def _complete_with(dialog: Dialog, record: SetupRecord, name: str) -> None:
    file = user_settings_file()
    earlier = read_toml(read_text(file)).get("completion", {}).get("model")
    change = plan_change(file, TomlKey("completion", "model", name, earlier))
    if change is not None:
        dialog.show(change.diff())
        record.apply(change)  # the user has just chosen it


def _fetch(dialog: Dialog, proposal: Proposal) -> bool:
    """Fetch the model with a progress bar; return whether it is here."""
    try:
        pull_model(user_store(), read_catalogue(user_catalogue_path()), proposal.name)
    except KeyboardInterrupt:
        dialog.say(f"\nThe fetch is stopped. `midspan model pull {proposal.name}` continues it.")
        return False
    except MidspanError as error:
        dialog.say(f"It cannot be fetched: {error}")
        return False
    return True
