"""The forms of models that were trained for next edits, as data.

Sweep's is that of sweepai's model cards (sweep-next-edit): sections behind Qwen's file separator, changes as
`original:` and `updated:`, and the window three times. Zeta's is that of zed-industries' card (zeta-2.1): Seed-Coder's
sentinels around the file, the suffix first, and numbered markers in the window.
"""

from dataclasses import dataclass, replace
from typing import Literal

from inference.prompts.families import QWEN2, SEED_CODER, Control, Family, Pieces


@dataclass(frozen=True)
class EditForm:
    """A form of prompts. In its pieces, names in braces stand for texts: those of `EditWindow`, `TextChange` and files.

    The parts stand in the order of the attributes. `models` are parts of the names of the models that have the form.
    """

    name: str
    family: Family | None  # None: any
    models: tuple[str, ...]
    lines_above: int  # of the window, above the cursor's line
    lines_below: int
    most_changes: int
    change_style: Literal["blocks", "diff"]
    opening: Pieces
    file: Pieces  # for each file of the context
    changes_opening: Pieces
    change: Pieces  # for each change
    changes_closing: Pieces
    window: Pieces
    output: Literal["window", "markers", "text"]


_SEPARATOR = Control("<|file_sep|>")

SWEEP = EditForm(
    name="sweep-next-edit",
    family=QWEN2,
    models=("sweep-next-edit",),
    lines_above=10,
    lines_below=10,
    most_changes=8,
    change_style="blocks",
    opening=(_SEPARATOR, "{path}\n{file}"),
    file=(_SEPARATOR, "{path}\n{text}"),
    changes_opening=(),
    change=(_SEPARATOR, "{path}.diff\noriginal:\n{before}updated:\n{after}"),
    changes_closing=(),
    window=(
        _SEPARATOR,
        "original/{path}:{first_line}:{last_line}\n{before}",
        _SEPARATOR,
        "current/{path}:{first_line}:{last_line}\n{current}",
        _SEPARATOR,
        "updated/{path}:{first_line}:{last_line}\n",
    ),
    output="window",
)

# Of the second generation, which is told where the cursor is.
SWEEP_V2 = replace(
    SWEEP,
    name="sweep-next-edit-v2",
    models=("sweep-next-edit-v2",),
    opening=(_SEPARATOR, "{path}\n{around}"),
    change=(_SEPARATOR, "{path}:{first_line}:{last_line}\noriginal:\n{before}updated:\n{after}"),
    window=(
        _SEPARATOR,
        "original/{path}:{first_line}:{last_line}\n{before}",
        _SEPARATOR,
        "current/{path}:{first_line}:{last_line}\n{current_with_cursor}",
        _SEPARATOR,
        "updated/{path}:{first_line}:{last_line}\n",
    ),
)

_FILE_NAME = Control("<filename>", is_required=False)

ZETA = EditForm(
    name="zeta-2.1",
    family=SEED_CODER,
    models=("zeta-2.1", "zeta2.1"),
    lines_above=15,
    lines_below=15,
    most_changes=6,
    change_style="diff",
    opening=(Control(SEED_CODER.fim_hole), "{below}", Control(SEED_CODER.fim_begin)),
    file=(_FILE_NAME, "{path}\n{text}\n"),
    changes_opening=(_FILE_NAME, "edit_history\n"),
    change=("--- a/{path}\n+++ b/{path}\n{diff}",),
    changes_closing=("\n",),
    window=(_FILE_NAME, "{path}\n{above}{marked}", Control(SEED_CODER.fim_end)),
    output="markers",
)

# For a model that was trained for nothing of this: it goes on with the text as it began. Of 11 places that had to be
# renamed, Qwen2.5-Coder-1.5B-Instruct wrote 6 right in this form, 3 when asked in a chat; the 0.5B wrote none of 22
# right as holes.
PLAIN = EditForm(
    name="plain text",
    family=None,
    models=(),
    lines_above=3,
    lines_below=3,
    most_changes=3,
    change_style="blocks",
    opening=(),
    file=(),
    changes_opening=(),
    change=("# {path}\noriginal:\n{before}updated:\n{after}\n",),
    changes_closing=(),
    window=("# {path}\noriginal:\n{current}updated:\n",),
    output="text",
)

EDIT_FORMS = (SWEEP_V2, SWEEP, ZETA)  # the first that fits counts


def edit_form_of(name: str, family: Family) -> EditForm | None:
    """Return the form that a model was trained in, by its name and its family; None: it was not trained for edits."""
    lowered = name.lower()
    return next((f for f in EDIT_FORMS if f.family is family and any(part in lowered for part in f.models)), None)
