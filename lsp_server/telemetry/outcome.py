"""The outcome of a request: an enum for programs, with a sentence for people."""

from enum import StrEnum


class Outcome(StrEnum):
    """The outcome of a request. The value is its name in a trace; a detail may say more."""

    SHOWN = "shown"
    ANSWERED = "answered"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    # The engine is not asked.
    EXCLUDED = "excluded"
    SWITCHED_OFF = "switched_off"
    MID_LINE = "mid_line"
    STATEMENT_OVER = "statement_over"
    IN_SECRET = "in_secret"
    EDITS_OFF = "edits_off"
    GHOST_TEXT = "ghost_text"
    FAR_FROM_EDITS = "far_from_edits"
    OTHER_VERSION = "other_version"
    UNLEARNED_LANGUAGE = "unlearned_language"
    # The engine has answered, and nothing of that is worth showing.
    EMPTY = "empty"
    LOOP = "loop"
    PROSE = "prose"
    REPETITION = "repetition"
    OTHER_CODE = "other_code"
    UNSEEN_CHARACTERS = "unseen_characters"
    MASKED_SECRET = "masked_secret"
    LOW_CONFIDENCE = "low_confidence"
    NO_EDIT = "no_edit"
    REFUSED = "refused"


_NOT_ASKED = {
    Outcome.EXCLUDED: "the file is in no prompt",
    Outcome.SWITCHED_OFF: "completion is off",
    Outcome.MID_LINE: "the cursor is in the middle of a line",
    Outcome.STATEMENT_OVER: "the statement is over",
    Outcome.IN_SECRET: "the cursor is in a secret",
    Outcome.EDITS_OFF: "next edits are off",
    Outcome.GHOST_TEXT: "a ghost text is shown at the cursor",
    Outcome.FAR_FROM_EDITS: "the cursor has moved, and is not beside a recent edit",
    Outcome.OTHER_VERSION: "the request is about another version of the document",
    Outcome.UNLEARNED_LANGUAGE: "the model has not learned this language",
}
_NOT_SHOWN = {
    Outcome.EMPTY: "the model writes nothing",
    Outcome.LOOP: "the model only repeats itself",
    Outcome.PROSE: "the model talks about the code instead of writing it",
    Outcome.REPETITION: "the model only repeats what is there",
    Outcome.OTHER_CODE: "the model only goes on with other code",
    Outcome.UNSEEN_CHARACTERS: "the text holds characters that a reader does not see",
    Outcome.MASKED_SECRET: "the text holds the placeholder of a secret of another file",
    Outcome.LOW_CONFIDENCE: "the confidence of the model is low",
    Outcome.NO_EDIT: "nothing else has to change",
    Outcome.REFUSED: "you have typed past the same text a moment ago",
}


def reason(outcome: Outcome, detail: str = "") -> str:
    """Say in words why nothing was asked or shown."""
    words = (_NOT_ASKED | _NOT_SHOWN)[outcome]
    return f"{words} ({detail})" if detail else words


def sentence(outcome: Outcome, detail: str, characters: int) -> str:
    """Say the outcome in words, for a log line or a trace. `characters` are those that the user was shown."""
    if outcome in _NOT_ASKED:
        return f"nothing asked: {reason(outcome, detail)}"
    if outcome in _NOT_SHOWN:
        return f"nothing shown: {reason(outcome, detail)}"
    verb = {Outcome.SHOWN: f"shown {characters} characters", Outcome.ANSWERED: f"answered with {characters} characters"}
    words = verb.get(outcome, outcome.value)
    return f"{words}: {detail}" if detail else words
