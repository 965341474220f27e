"""A hole is answered elsewhere when a name of its middle stands in the context alone."""

import pytest

from training.corpus.tokenizer import TextEncoder
from training.documents.fim import Budget, FimText, encode_fim
from training.experiments.answers_elsewhere import Parts, answer_is_elsewhere, split_document

CONTEXT = "# p/other.py\nclass Widget:\n    def resize(self): ...\n"


@pytest.mark.parametrize(
    ("prefix", "middle", "suffix", "is_elsewhere"),
    [
        ("item = ", "Widget(3)", "\n", True),
        ("item = Wid", "get(3)", "\n", True),  # a name that is begun
        ("item = Widget.", "resize()", "\n", True),
        ("Widget\nitem = ", "Widget(3)", "\n", False),
        ("item = ", "Widget(3)", "\nWidget\n", False),
        ("item = ", "Gadget(3)", "\n", False),
        ("item = Widget", "(3)", "\n", False),
    ],
)
def test_an_answer_elsewhere_is_told_from_one_that_the_file_shows(
    prefix: str, middle: str, suffix: str, is_elsewhere: bool
) -> None:
    assert answer_is_elsewhere(Parts(CONTEXT, prefix, middle, suffix)) == is_elsewhere


def test_a_document_is_split_into_what_it_was_made_of(encoder: TextEncoder) -> None:
    text = FimText(CONTEXT, "# p/a.py\n", "item = ", "Widget(3)", "\nitem.resize()\n")
    ids = encode_fim(encoder, text, Budget(400, 100, 0.5), spm=True)
    assert ids is not None
    assert split_document(ids, encoder) == Parts(CONTEXT, "# p/a.py\nitem = ", "Widget(3)", "\nitem.resize()\n")
    ids = encode_fim(encoder, text, Budget(400, 100, 0.5), spm=False)
    assert ids is not None
    assert split_document(ids, encoder) is None
