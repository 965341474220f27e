"""The places of a renamed member of a class outside the class: behind the dots of its instances, and in its calls."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from posixpath import dirname

from context.documents.document import Document
from context.next_edit.names.occurrences import MEMBERS_OF, Occurrence, Role, Scope
from context.next_edit.names.python_classes import python_classes
from context.next_edit.names.receivers import receivers_of
from context.next_edit.names.resolve_names import find_names, find_word, has_word
from context.next_edit.names.type_words import names_a_type
from context.next_edit.workspace.member_rivals import defines_member
from context.next_edit.workspace.workspace_files import WorkspaceFiles, languages_with
from context.syntax.imports import find_imports

SURE = 0.85
_LIKE_ITS_CLASS = 0.75
_ONLY_ONE = 0.6
_MAX_FILES = 30  # that hold the name; of a name that is more common, objects have to say what they are
_MAX_PARSED_CHARACTERS = 40_000
_MAX_INDENT = 80
_BEFORE_KEYS = frozenset("({,")
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")
_TELLING_LETTERS = 6  # of a name that instances of library classes hardly have
_LEAST_LETTERS = 3
_OWN = frozenset({"self", "cls", "this", "super()", "super"})
_EXTENDS = re.compile(r"\b(?:class|interface)\s+(\w+)[^{]*?\bextends\s+(\w+)")


@dataclass(frozen=True)
class Member:
    """A member of the class `owner` that had the name `old`, and may have it still.

    `is_field`: the class's constructor may be given it.
    """

    owner: str
    old: str
    new: str
    home: Scope
    is_field: bool


Place = tuple[Occurrence, float]  # with the share of such places that are right


def member_of(home: Scope, group: Sequence[Occurrence], document: Document, old: str, new: str) -> Member | None:
    """Return the member that these places give another name; None where they are of no class with a name."""
    if document.language == "python":
        known = python_classes(document)
        found = known.by_scope.get(home)
        if found is None or found.name not in known.by_name:
            return None
        return Member(found.name, old, new, home, any(one.role == Role.BINDING for one in group))
    owner = home.kind.removeprefix(MEMBERS_OF)
    is_named = home.kind.startswith(MEMBERS_OF) and owner.isidentifier()
    return Member(owner, old, new, home, is_field=False) if is_named else None


def find_member_places(
    member: Member, document: Document, files: WorkspaceFiles, words: Collection[str] = ()
) -> Iterator[tuple[Document, list[Place]]]:
    """Yield the documents with places of the member outside its class, that of the class first.

    Documents are left out that do not have all the words, and the class's own if it has one of them only once.
    """
    is_renamed = member.old != member.new
    if member.old.startswith("__") or (is_renamed and defines_member(document, member.old)):
        return
    is_rare = (others := files.all_holding(member.old, document.language, _MAX_FILES)) is not None
    paths = others if others is not None else files.importers(member.owner, document.language, _MAX_FILES)
    rest = [other for other in files.documents(paths) if other.path != document.path]
    with_words = [other for other in rest if all(has_word(other.text, word) for word in words)]
    has_words = all(has_word(document.text, word, 2) for word in words)
    if not with_words and not has_words:
        return  # before the files are searched for rivals, which takes longer
    rivals = {other.path for other in rest if defines_member(other, member.old)}
    is_only_one = is_rare and not rivals
    if has_words and (places := list(_places_in(document, member, document, files, is_only_one))):
        yield document, places
    rest = [other for other in with_words if other.path not in rivals or member.owner in other.text]
    asked = [other for other in rest if _uses(other, member, is_only_one)]
    asked.sort(key=lambda other: member.owner not in other.text)
    parsed_characters = 0
    for other in asked:
        if parsed_characters < _MAX_PARSED_CHARACTERS and _may_know(other, member, document, files):
            parsed_characters += len(other.text)
            if places := list(_places_in(other, member, document, files, is_only_one)):
                yield other, places


def _uses(other: Document, member: Member, is_only_one: bool) -> bool:
    """Return whether the text has the name behind a dot or as a key, and the name of the class where that is needed."""
    text = other.text
    if not is_only_one and member.owner not in text and f"self.{member.old}" not in text:
        return False
    for start in find_word(text, member.old):
        end = start + len(member.old)
        before, behind = text[max(0, start - _MAX_INDENT) : start].rstrip()[-1:], text[end : end + 2].lstrip()[:1]
        if before == "." or (before in _BEFORE_KEYS and behind in (":", "=")):
            return True
    return False


def _may_know(other: Document, member: Member, origin: Document, files: WorkspaceFiles) -> bool:
    """Return whether a file imports the class or its file, is of its package of Go, or has a class that inherits."""
    if other.language == "go":
        return _is_of_package(other, origin) or files.imports_one_of(other.path, {_stem(origin)})
    for module, names in find_imports(other.language, other.text):
        found = files.imported(module, member.owner, other) if member.owner in names else []
        if found and found[0] != origin.path and files.defines(found[0], member.owner):
            return False
    if files.imports_one_of(other.path, {_stem(origin), member.owner}):
        return bool(_classes_in(other, member, origin, files))
    return f"self.{member.old}" in other.text and len(_classes_in(other, member, origin, files)) > 1


def _is_of_package(other: Document, origin: Document) -> bool:
    return dirname(other.path) == dirname(origin.path)


def _stem(origin: Document) -> str:
    """Return the word by which imports name a file: its name, or that of its folder."""
    folder, _, name = origin.path.rpartition("/")
    stem = name.partition(".")[0]
    return folder.rpartition("/")[2] if origin.language == "go" or stem in ("__init__", "index") else stem


def _places_in(
    document: Document, member: Member, origin: Document, files: WorkspaceFiles, is_only_one: bool
) -> Iterator[Place]:
    names, receivers = find_names(document, (member.old,)), receivers_of(document)
    if names is None or receivers is None:
        return
    classes = _classes_in(document, member, origin, files)
    qualifier = _stem(origin) if document.language == "go" and not _is_of_package(document, origin) else ""
    for one, home in names.homes.items():
        if home is not None:
            is_own = document is origin and home == member.home
            if one.role == Role.ATTRIBUTE and not is_own and _is_in_subclass(home, document, classes):
                yield one, SURE
        elif one.role == Role.KEYWORD and document.language == "python":
            if member.is_field and _last_word(one.owner) in classes:
                yield one, SURE
        elif receivers.is_key(one):
            if _is_instance(receivers.words_of_literal(one), classes, qualifier):
                yield one, SURE
        elif one.role == Role.ATTRIBUTE and (node := receivers.node_before(one)) is not None:
            words = receivers.words_of(node).own
            others = {word for word in words if names_a_type(word)} - classes
            heirs = {word for word in others if files.inherits(word, member.owner)}
            if not is_only_one and any(word[0].isupper() for word in others - heirs):
                continue  # a union with a class that may have such a member too
            if _is_instance(words, classes | heirs, qualifier):
                yield one, SURE
            elif is_only_one and not any(map(names_a_type, words)):
                confidence = _guess(receivers.text(node), member)
                if confidence:
                    yield one, confidence


def _is_instance(words: frozenset[str], classes: frozenset[str], qualifier: str) -> bool:
    """Return whether a type is made of one of the classes, which other packages of Go name with their package."""
    return bool(words & classes) and (not qualifier or qualifier in words)


def _guess(before: str, member: Member) -> float:
    """Return how likely an object of an unknown type has the member; 0 where nothing speaks for it."""
    words = _WORD.findall(before)
    if not words or before in _OWN:
        return 0.0
    if _sounds_like(words[-1], member.owner):
        return _LIKE_ITS_CLASS
    return _ONLY_ONE if len(member.old) >= _TELLING_LETTERS else 0.0


def _sounds_like(name: str, owner: str) -> bool:
    """Return whether a variable's name ends with the last words of the class's: `item` or `old_item` of `Item`."""
    words = [word.lower() for word in _CAPITAL.split(owner) if word]
    own = [word.lower() for word in _CAPITAL.split(name) if word]
    return bool(own and words) and len(own[-1]) >= _LEAST_LETTERS and own[-1] in (words[-1], "".join(words))


def _last_word(text: str) -> str:
    return text.rpartition(".")[2].strip()


def _classes_in(document: Document, member: Member, origin: Document, files: WorkspaceFiles) -> frozenset[str]:
    """Return the names that the class has in a document, and those of the classes there that inherit from it."""
    found = {match[1] for match in re.finditer(rf"\b{re.escape(member.owner)}\s+as\s+(\w+)", document.text)}
    is_another = re.search(rf"\b(?:class|interface|type)\s+{re.escape(member.owner)}\b", document.text) is not None
    if document is origin or document.language == "go" or not is_another:
        found.add(member.owner)
    if document.language in languages_with("typescript"):
        for match in _EXTENDS.finditer(document.text):
            if match[2] in found:
                found.add(match[1])
    if document.language == "python":
        for one in python_classes(document).by_scope.values():  # from the first one down the file
            bases = [_last_word(base) for base in one.bases]
            if any(base in found or files.inherits(base, member.owner) for base in bases):
                found.add(one.name)
    return frozenset(found)


def _is_in_subclass(home: Scope, document: Document, classes: frozenset[str]) -> bool:
    """Return whether the members of this scope are those of one of the classes."""
    if document.language != "python":
        return home.kind.removeprefix(MEMBERS_OF) in classes
    found = python_classes(document).by_scope.get(home)
    return found is not None and found.name in classes
