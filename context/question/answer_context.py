"""The text of a workspace that a question is asked with: the door of this room."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from context.documents.document import Document
from context.documents.edits import Edit
from context.index.view import View
from context.index.workspace import Workspace
from context.question.asked import Asked
from context.question.collect import collect_parts
from context.question.lay_out import CountTokens, ShownText, lay_out
from context.question.mentions import mentions_in
from context.question.parts import Part
from context.question.resolve import read_mentioned, resolve_mentions
from context.question.words import QuestionWords
from context.related.collect import judge
from context.secrets.masking import count_masked, mask_document

_MOST_CHARACTERS = 20_000  # of a question that are looked through: more is a pasted log


@dataclass(frozen=True)
class Place:
    """The place at which a question is asked. `documents` are open in the editor, the last used first.

    `document` is the one that the user looks at, `selection` its first and last line that are selected; the line of the
    cursor is both where `is_selected` is false. `edits` are the user's last ones. Outside every workspace, only
    the documents are known.
    """

    workspace: Workspace | None
    documents: Sequence[Document] = ()
    document: Document | None = None
    selection: tuple[int, int] | None = None
    is_selected: bool = False
    edits: Sequence[Edit] = ()


@dataclass(frozen=True)
class AnswerContext:
    """The texts of files for one question, the parts that they show, and the mentions that mean nothing.

    Placeholders stand for the secrets in the texts; `masked` counts these by the rules that found them.
    """

    texts: tuple[ShownText, ...] = ()
    parts: tuple[Part, ...] = ()
    unknown: tuple[str, ...] = ()
    masked: Mapping[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The whole text, each file under its path."""
        return "".join(shown.title + shown.text for shown in self.texts)


def find_context(
    question: str, place: Place, room_tokens: int, count_tokens: CountTokens, shown: Mapping[str, str]
) -> AnswerContext:
    """Return what the model is to know of the workspace to answer. Secrets are masked; the question is not changed.

    `shown` is the text of each file that the prompt has already. Raises DocumentError when the question mentions a file
    that a rule keeps out of every prompt.
    """
    workspace = place.workspace
    documents = _allowed(place.documents, workspace)
    question = question[:_MOST_CHARACTERS]
    mentions = mentions_in(question)
    late = read_mentioned(mentions, workspace, workspace.view(documents)) if workspace is not None else []
    documents += _masked(late)
    view = _view(documents, workspace)
    mentioned = resolve_mentions(mentions, workspace, view)
    path = place.document.path if place.document is not None else None
    document = next((one for one in documents if one.path == path), None)
    asked = Asked(
        QuestionWords(question),
        mentioned,
        workspace,
        view,
        documents,
        document,
        place.selection,
        place.is_selected,
        place.edits,
    )
    laid_out = lay_out(collect_parts(asked), view, room_tokens, count_tokens, shown)
    rules = view.mask_rules({part.path for part in laid_out.parts})
    for one in [*place.documents, *late]:
        rules |= mask_document(one).rules
    masked = count_masked([text.text for text in laid_out.texts], rules)
    return AnswerContext(laid_out.texts, laid_out.parts, tuple(mentioned.unknown), masked)


def still_true(texts: Sequence[ShownText], place: Place) -> list[ShownText]:
    """Return those of the texts that their files still have, and that may still be shown."""
    workspace = place.workspace
    view = _view(_allowed(place.documents, workspace), workspace)
    return [shown for shown in texts if (workspace is None or workspace.may_name(shown.path)) and _has(view, shown)]


def _allowed(documents: Sequence[Document], workspace: Workspace | None) -> list[Document]:
    """Return the documents that may stand in a prompt, their secrets masked."""
    return _masked([one for one in documents if judge(one, workspace).included])


def _masked(documents: Sequence[Document]) -> list[Document]:
    return [mask_document(one).document for one in documents]


def _view(documents: Sequence[Document], workspace: Workspace | None) -> View:
    return workspace.view(documents) if workspace is not None else View(None, documents)


def _has(view: View, shown: ShownText) -> bool:
    text = view.whole_text(shown.path)
    return all(span in text for span in shown.spans)
