"""The words of a question, by how surely each is the name of something in the code."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from context.index.terms import identifiers, search_terms

# The likelihood that a word means a definition of that name.
_CODE = 1.0  # between backticks, called, dotted, with an underline or a capital inside: no such word is English
_IN_LONG_CODE = 0.5  # between backticks with other words: a command, or a statement
_CAPITAL = 0.8  # a capital within a sentence
_WORD = 0.3
_JOINED = 0.75  # words in a row that are one name in the code: "app context" for AppContext
_PART_OF_DOTTED = 0.6  # `Flask` in `Flask.route`

_MOST_WORDS = 400  # a question may be a pasted log
_MOST_TERMS = 40
_MOST_JOINED = 3
_FEWEST_LETTERS = 3  # of a word by which text is searched

_CODE_SPAN = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_NAME = re.compile(r"[^\W\d]\w*(?:(?:\.|::|->|#)[^\W\d]\w*)*")
_SEPARATOR = re.compile(r"\.|::|->|#")
_FILE_NAME = re.compile(r"(?<![\w/.-])(?:[\w.-]+/)*[\w-][\w.-]*\.[A-Za-z]\w{0,7}(?![\w/])")
_BEFORE = 8  # characters, in which the end of a sentence stands
_SENTENCE_END = re.compile(r"(?:^|[.?!:;]\s+|\n\s*)$")
_TEXT_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\dA-Za-z_]+")
_INNER_CAPITAL = re.compile(r"[a-z0-9][A-Z]|[A-Z]{2}[a-z]")

# Words of every question, by which nothing is searched.
_FUNCTION_WORDS = frozenset(
    """
    about after all also and any are because been before being both but can cannot could did does doing done each else
    ever every exactly for from had has have her here his how however its itself just may mean means might more most
    much must not now off only other our out over own please possible shall should some something still such than that
    the their them then there these they thing things this those through too until upon very want wants was way well
    were what when where whether which while who whole whose why will with within without would you your
    happen happens happened explain describe tell know
    """.split()  # noqa: SIM905 a list of these is a page long
)
# Words of questions that are names of much in code, or of nothing there: what they mean is found by text alone.
_ENGLISH = _FUNCTION_WORDS | frozenset(
    """
    argument arguments between by call called calls change changed changes class classes code come comes difference
    example file files find finds first function functions get gets give gives given go goes handle handled if
    implement implementation implemented implements in inside into is it keep kept last let like line lines look looks
    made make makes many me method methods module my name named names need needs never new no of on one or order
    parameter parameters part place project purpose put read really repo repository codebase responsible return
    returned returns run runs same see set sets show shows so take takes to together try two type types under up us use
    used user uses using value values variable variables we work works write written wrong
    """.split()  # noqa: SIM905 a list of these is a page long
)
_HERE = frozenset({"this", "here", "selected", "selection", "cursor", "above", "below", "current", "these"})
_EDITS = frozenset({"edit", "edits", "edited", "changed", "changes", "broke", "recent", "recently", "diff", "just"})
_WHOLE = frozenset({"project", "repository", "repo", "codebase", "architecture", "overview"})


@dataclass(frozen=True)
class AskedName:
    """A word that may be a name. `weight` is the likelihood, `owner` the name before its dot, or ""."""

    name: str
    weight: float
    owner: str = ""


@dataclass(frozen=True)
class QuestionWords:
    """The names that the words of a question may stand for."""

    text: str

    @cached_property
    def names(self) -> tuple[AskedName, ...]:
        """The words that may be names, each with its greatest weight, the likeliest first."""
        best: dict[str, AskedName] = {}
        for asked in self._found():
            known = best.get(asked.name)
            if known is None or (asked.weight, asked.owner) > (known.weight, known.owner):
                best[asked.name] = asked
        return tuple(sorted(best.values(), key=lambda asked: -asked.weight)[:_MOST_WORDS])

    @cached_property
    def joined(self) -> frozenset[str]:
        """The words in a row as one, in small letters and without underlines: "requestcontext"."""
        words = [word for word in (_flat(word) for word in self._words) if word]
        return frozenset(
            "".join(words[start : start + count])
            for count in range(2, _MOST_JOINED + 1)
            for start in range(len(words) - count + 1)
        )

    @cached_property
    def terms(self) -> tuple[frozenset[str], ...]:
        """The words by which text is searched, each with its forms: "signed" and "sign"."""
        telling = {word.lower() for word in _TEXT_WORD.findall(self.text) if len(word) >= _FEWEST_LETTERS}
        telling |= {name.name.lower() for name in self.names if name.weight >= _CODE}
        forms = {frozenset({word, *stems(word)}) for word in telling}
        kept: list[frozenset[str]] = []
        for form in sorted(forms, key=lambda form: (-len(form), sorted(form))):
            if form.isdisjoint(_FUNCTION_WORDS) and not any(form <= other for other in kept):
                kept.append(form)
        return tuple(kept[:_MOST_TERMS])

    @cached_property
    def file_names(self) -> tuple[str, ...]:
        """The names and paths of files."""
        return tuple(dict.fromkeys(_FILE_NAME.findall(self.text)))

    @property
    def is_about_here(self) -> bool:
        """Return whether a word points at what the user looks at."""
        return not _HERE.isdisjoint(self._small)

    @property
    def is_about_edits(self) -> bool:
        """Return whether a word points at what the user has changed."""
        return not _EDITS.isdisjoint(self._small)

    @property
    def is_about_all(self) -> bool:
        """Return whether a word means the project as a whole."""
        return not _WHOLE.isdisjoint(self._small)

    @cached_property
    def _words(self) -> list[str]:
        return re.findall(r"\w+", self.text)[:_MOST_WORDS]

    @cached_property
    def _small(self) -> frozenset[str]:
        return frozenset(word.lower() for word in self._words)

    def _found(self) -> Iterator[AskedName]:
        code = [match.span() for match in _CODE_SPAN.finditer(self.text)]
        for match in _NAME.finditer(self.text):
            *owners, name = _SEPARATOR.split(match.group())
            span = next((self.text[start:end] for start, end in code if start <= match.start() < end), "")
            is_called = self.text[match.end() : match.end() + 1] == "("
            if is_called or owners or _is_code(name) or (span and not span.strip("`").count(" ")):
                yield AskedName(name, _CODE, owners[-1] if owners else "")
                for owner in owners:
                    yield AskedName(owner, _PART_OF_DOTTED)
            elif span:
                yield AskedName(name, _IN_LONG_CODE)
            elif name.lower() in _ENGLISH:
                continue
            elif name[0].isupper() and not _SENTENCE_END.search(
                self.text[max(0, match.start() - _BEFORE) : match.start()]
            ):
                yield AskedName(name, _CAPITAL)
            else:
                yield AskedName(name, _WORD)


def stems(word: str) -> Iterable[str]:
    """Return the word without the endings of English: "routes" is "route", "matching" is "match"."""
    for ending in ("ies", "ing", "ed", "es", "s", "d"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            yield word[: -len(ending)] + ("y" if ending == "ies" else "")


def words_of(text: str) -> set[str]:
    """Return the words of a text by which it is compared with a question, with and without their endings."""
    terms = search_terms(identifiers(text))
    return terms | {stem for term in terms for stem in stems(term)}


def count_terms(text: str, terms: Sequence[Set[str]]) -> list[int]:
    """Return how often each of the terms, in any of its forms, is in a text, as a word or as a part of a name."""
    counts = Counter(text_words(text))
    return [sum(count for word, count in counts.items() if not term.isdisjoint((word, *stems(word)))) for term in terms]


def text_words(text: str) -> list[str]:
    """Return the words of a text in their order, those of names apart, in small letters."""
    return [word.lower() for word in _TEXT_WORD.findall(text)]


def flat_name(name: str) -> str:
    """Return a name as the words of a question say it: in small letters, without underlines."""
    return name.replace("_", "").lower()


def joined_weight(flat: str, words: QuestionWords) -> float:
    """Return the likelihood that words in a row mean this flat name."""
    return _JOINED if flat in words.joined else 0.0


def _flat(word: str) -> str:
    return flat_name(word)


def _is_code(name: str) -> bool:
    return "_" in name.strip("_") or name.startswith("_") or _INNER_CAPITAL.search(name) is not None
