"""The worth of recent edits in the context: the loss of the next edit with them and without them.

    python -m training.experiments.edits_in_context --documents 400                # of the released model
    python -m training.experiments.edits_in_context --documents 400 --run fifth    # of a run's newest checkpoint

The edits are those of the held-out releases. Documents whose middle has a name of the edits before are told apart.
"""

import argparse
import dataclasses
from collections import defaultdict
from collections.abc import Iterator
from random import Random

import torch
import torch.nn.functional as F

from training.corpus.changes import load_changes
from training.corpus.tokenizer import TextEncoder, load_run_encoder
from training.documents.document_source import DocumentSource
from training.documents.fim import Budget, encode_fim
from training.documents.recent_edits import EditText
from training.documents.related import identifiers
from training.model.checkpoints import newest_checkpoint, run_folder
from training.model.deepseek_v2 import Model
from training.model.released_format import BUILTIN, load_release, text_only_tokenizer
from training.model.shape import ModelShape
from training.release.export import load_trained
from training.run.validation import VALIDATION_SEED

WAYS = ("with the edits", "without them")


def draw_edits(source: DocumentSource, count: int, tokens: int) -> Iterator[tuple[EditText, Budget]]:
    """The same holes at edits every time, each for a document of so many tokens."""
    rng, turn = Random(VALIDATION_SEED), 0
    while count:
        drawn = source.draw_edit(turn, tokens, rng)
        turn += 1
        if drawn is not None:
            yield drawn
            count -= 1


def without_edits(edit: EditText) -> EditText:
    """The document without the edits at the end of its context."""
    context = edit.parts.context.removesuffix(edit.edits)
    return dataclasses.replace(edit, parts=dataclasses.replace(edit.parts, context=context))


@torch.no_grad()
def middle_nats(model: Model, encoder: TextEncoder, edit: EditText, budget: Budget) -> tuple[float, int] | None:
    """The loss of the middle and the EOS behind it, summed, and how many tokens these are; None where it does not fit.

    The experts' choices are all kept, as in the engine.
    """
    ids = encode_fim(encoder, edit.parts, budget, spm=True)
    if ids is None:
        return None
    tokens = len(encoder.encode(edit.parts.middle)) + 1
    given = torch.tensor([ids])
    losses = F.cross_entropy(model.logits(given)[0, :-1].float(), given[0, 1:], reduction="none")
    return losses[len(losses) - tokens :].sum().item(), tokens


def main() -> None:
    """Command line of the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", help="this run's newest checkpoint (default: the released model)")
    parser.add_argument("--documents", type=int, default=400)
    parser.add_argument("--tokens", type=int, default=768)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.run:
        checkpoint = newest_checkpoint(run_folder(arguments.run))
        if checkpoint is None:
            raise SystemExit(f"run {arguments.run!r} has no checkpoint")
        model, encoder = load_trained(checkpoint, torch.float32)[0], load_run_encoder(checkpoint.parent)
    else:
        encoder = TextEncoder(text_only_tokenizer(BUILTIN))
        model = Model(ModelShape(vocab_size=encoder.vocabulary_tokens))
        load_release(BUILTIN, model)
    source = DocumentSource((), encoder, arguments.tokens, VALIDATION_SEED, changed=load_changes("held_out"))
    nats: dict[tuple[str, str], list[float]] = defaultdict(list)
    tokens: dict[str, int] = defaultdict(int)
    for edit, budget in draw_edits(source, arguments.documents, arguments.tokens):
        is_named = bool(identifiers(edit.parts.middle) & identifiers(edit.edits))
        kind = "a name of the edits in the middle" if is_named else "none"
        found = [middle_nats(model, encoder, one, budget) for one in (edit, without_edits(edit))]
        if found[0] is not None and found[1] is not None:
            tokens[kind] += found[0][1]
            for way, (loss, _) in zip(WAYS, (found[0], found[1]), strict=True):
                nats[kind, way].append(loss)
    for kind, of_kind in sorted(tokens.items()):
        losses = ", ".join(f"{sum(nats[kind, way]) / of_kind:.3f} {way}" for way in WAYS)
        print(f"{kind}: {len(nats[kind, WAYS[0]])} holes, {of_kind} tokens, nats a token: {losses}")


if __name__ == "__main__":
    main()
