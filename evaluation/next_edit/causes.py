"""The cause of a change: a rename, a signature or a repeated change among the hunks before it, or none of these.

A script labels the cases by these rules. A change has a cause when both its place and its text follow from what was
changed before, for someone who knows the history and the file:

- *Rename*: a definition gave a name up for one that its scope did not define, and no definition of the old name is
  left there. The other uses of the name follow, those of a local name in its function alone.
- *Signature*: a function gained or lost parameters. Its calls follow that lose just the arguments of the lost ones and
  gain just those of the gained ones, if each value is known: a variable or a member of the parameter's name that the
  function around the call or the file has already, or the value that another call was given before.
- *Repeated change*: see `repeats.py`. Changes that together are one change of form (see `joint_changes.py`) follow from
  one that is the same as a whole, too.

A change of strings and comments has no cause.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from evaluation.next_edit.calls import (
    Argument,
    SignatureChange,
    arguments_around,
    changed_arguments,
    parameter_of,
    signature_change,
)
from evaluation.next_edit.hunks import FileDiff, Hunk, WordChange
from evaluation.next_edit.joint_changes import JointChange, joint_changes
from evaluation.next_edit.repeats import repeats
from evaluation.next_edit.scopes import Scope, is_defined_at, is_local_at, scope_at
from evaluation.next_edit.words import Word


class Cause(Enum):
    """The reason why a hunk follows from those before it."""

    RENAME = "rename"
    SIGNATURE = "signature"
    REPEATED = "repeated change"
    NONE = "none"


@dataclass(frozen=True)
class Rename:
    """A definition that got another name: of the function with these old lines, or of the file and others (None)."""

    old: str
    new: str
    scope: Scope


@dataclass(frozen=True)
class MadeHunk:
    """A hunk that has been made, and its file."""

    diff: FileDiff
    index: int

    @property
    def hunk(self) -> Hunk:
        return self.diff.hunks[self.index]

    @cached_property
    def renames(self) -> frozenset[Rename]:
        """The names that the definitions in the hunk gave up, with those that they have instead."""
        return frozenset(rename for change in self.hunk.changes if (rename := _rename(self.diff, change)) is not None)

    @cached_property
    def signatures(self) -> dict[str, SignatureChange]:
        """The functions whose header is in the hunk and whose parameters have changed."""
        old = {
            function.called: function
            for function in self.diff.old_functions
            if function.line < self.hunk.end and function.last_line >= self.hunk.start
        }
        new = {
            function.called: function
            for function in self.diff.new_functions
            if function.line < self.hunk.new_end and function.last_line >= self.hunk.new_start
        }
        changes = {name: signature_change(old[name], new[name]) for name in old.keys() & new.keys()}
        return {name: change for name, change in changes.items() if change.gained or change.lost}

    @cached_property
    def forms(self) -> dict[tuple[str, ...], list[WordChange]]:
        """The changes of the code by their forms."""
        forms: dict[tuple[str, ...], list[WordChange]] = {}
        for change in self.hunk.changes:
            if not change.is_prose:
                forms.setdefault(change.form, []).append(change)
        return forms

    @cached_property
    def joint_forms(self) -> dict[tuple[str, ...], list[JointChange]]:
        """The changes of form by their own forms."""
        forms: dict[tuple[str, ...], list[JointChange]] = {}
        for joint in joint_changes(self.diff, self.hunk.changes):
            forms.setdefault(joint.form, []).append(joint)
        return forms

    @cached_property
    def new_words(self) -> tuple[Word, ...]:
        """The words of the hunk in the new release."""
        return tuple(word for word in self.diff.new_words if self.hunk.new_start <= word.line < self.hunk.new_end)

    @cached_property
    def mentions(self) -> frozenset[str]:
        """The names by which a hunk in another file can follow from this one."""
        return frozenset(rename.old for rename in self.renames if rename.scope is None) | self.signatures.keys()


def cause_of(diff: FileDiff, changes: Sequence[WordChange], made: Sequence[MadeHunk]) -> Cause:
    """Return the cause of changes in the hunks made before them, if all that are of code have one."""
    jointly = {
        part
        for joint in joint_changes(diff, changes)
        if any(_repeats_jointly(diff, joint, earlier) for earlier in made)
        for part in joint.parts
    }
    causes = {_cause_of_change(diff, change, made, jointly) for change in changes if not change.is_prose}
    if not causes or Cause.NONE in causes:
        return Cause.NONE
    return next(cause for cause in Cause if cause in causes)


def _cause_of_change(
    diff: FileDiff, change: WordChange, made: Sequence[MadeHunk], jointly: Collection[WordChange]
) -> Cause:
    """Return the cause of one change; `jointly` are those that follow as parts of a change of form."""
    if _is_substitution(change) and any(_follows_rename(diff, change, earlier) for earlier in made):
        return Cause.RENAME
    if any(_follows_signature(diff, change, earlier, made) for earlier in made):
        return Cause.SIGNATURE
    if change in jointly or any(
        repeats(diff, change, earlier.diff, other) for earlier in made for other in earlier.forms.get(change.form, ())
    ):
        return Cause.REPEATED
    return Cause.NONE


def _repeats_jointly(diff: FileDiff, joint: JointChange, earlier: MadeHunk) -> bool:
    return any(
        repeats(diff, joint.whole, earlier.diff, other.whole) for other in earlier.joint_forms.get(joint.form, ())
    )


def _is_substitution(change: WordChange) -> bool:
    return [word.kind for word in change.removed] == [word.kind for word in change.added] == ["name"]


def _rename(diff: FileDiff, change: WordChange) -> Rename | None:
    """Return the rename that a change of a name makes; None where it defines nothing, or the names meant two things."""
    if not _is_substitution(change):
        return None
    old, new = change.removed[0], change.added[0]
    is_parameter = any(
        function.line <= old.line <= function.last_line and old.text in function.parameters
        for function in diff.old_functions
    )
    if not is_parameter and not is_defined_at(diff.old_words, change.at):
        return None
    is_local = is_parameter or is_local_at(diff.old_words, change.at)
    scope = scope_at(diff.old_scopes, old.line) if is_local else None
    new_scope = scope_at(diff.new_scopes, new.line) if is_local else None
    is_left, was_there = (old.text, new_scope) in diff.new_definitions, (new.text, scope) in diff.old_definitions
    return None if is_left or was_there else Rename(old.text, new.text, scope)


def _follows_rename(diff: FileDiff, change: WordChange, earlier: MadeHunk) -> bool:
    old, new = change.removed[0], change.added[0]
    scope = scope_at(diff.old_scopes, old.line)
    for rename in earlier.renames:
        if (rename.old, rename.new) != (old.text, new.text):
            continue
        if rename.scope is not None:
            is_there = rename.scope[0] <= old.line < rename.scope[1]
            if diff.path == earlier.diff.path and (is_there or _is_keyword(change)):
                return True
            continue
        is_other_local = scope is not None and (old.text, scope) in diff.old_definitions
        is_other_files = diff.path != earlier.diff.path and (old.text, None) in diff.old_definitions
        if not is_other_local and not is_other_files:
            return True
    return False


def _is_keyword(change: WordChange) -> bool:
    """Return whether the name is that of an argument: a call names a parameter."""
    return change.before[-1:] in (("(",), (",",)) and change.after[:1] == ("=",) and change.after[:2] != ("=", "=")


def _follows_signature(diff: FileDiff, change: WordChange, earlier: MadeHunk, made: Sequence[MadeHunk]) -> bool:
    for name, signature in earlier.signatures.items():
        changed = _changed_call(diff, change, name)
        if changed is None or not signature.explains(*changed) or not any(changed):
            continue
        if all(_is_known(one, parameter_of(one, signature), name, diff, change, made) for one in changed[1]):
            return True
    return False


def _changed_call(
    diff: FileDiff, change: WordChange, name: str
) -> tuple[tuple[Argument, ...], tuple[Argument, ...]] | None:
    """Return the arguments that went, and those that came, in the call of `name` around a change."""
    old = arguments_around(diff.old_words, change.at, name)
    new = arguments_around(diff.new_words, change.new_at, name)
    return changed_arguments(old, new) if old is not None and new is not None else None


def _is_known(
    argument: Argument, parameter: str, name: str, diff: FileDiff, change: WordChange, made: Sequence[MadeHunk]
) -> bool:
    """Return whether the value is one of the parameter's name that stands near already, or was given before."""
    value = argument.value
    for earlier in made:
        for other in earlier.hunk.changes:
            changed = _changed_call(earlier.diff, other, name)
            if changed is not None and any(one.value == value for one in changed[1]):
                return True
    is_chain = all(word.isidentifier() or word == "." for word in value)
    if not is_chain or _plain(value[-1]) != _plain(parameter):
        return False
    if len(value) > 1:
        return _has(diff.old_words, value)
    scope = scope_at(diff.old_scopes, diff.old_words[change.at - 1].line)
    if scope is None:
        return _has([word for word in diff.old_words if scope_at(diff.old_scopes, word.line) is None], value)
    typed = [
        earlier
        for earlier in made
        if earlier.diff.path == diff.path and earlier.hunk.start < scope[1] and scope[0] < earlier.hunk.end
    ]
    inside = [word for word in diff.old_words if scope[0] <= word.line < scope[1]]
    return _has(inside, value) or any(_has(earlier.new_words, value) for earlier in typed)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _has(words: Sequence[Word], value: Sequence[str]) -> bool:
    texts = [word.text for word in words]
    return any(tuple(texts[at : at + len(value)]) == tuple(value) for at in range(len(texts) - len(value) + 1))
