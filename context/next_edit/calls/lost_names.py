"""The calls that still give an argument the value of a parameter that the function around them has lost."""

from collections.abc import Iterable, Iterator

from context.documents.document import Document
from context.next_edit.calls.fitted_call import CallChange, without
from context.next_edit.calls.functions import Argument, Call, call_around
from context.next_edit.names.occurrences import Role, Scope
from context.next_edit.names.resolve_names import find_names
from context.syntax.tree import tree_of


def cut_names(document: Document, header: int, lost: Iterable[str]) -> Iterator[CallChange]:
    """Yield the changes after which calls in a function of Python no longer give `name=name` for the lost parameters.

    `header` is an offset in the header of the function. A name that means something else there now is left.
    """
    tree = tree_of(document)
    if tree is None or document.language != "python":
        return
    around = [node for node, _ in tree.path(header, header) if node.type == "function_definition"]
    calls: dict[int, tuple[Call, list[Argument]]] = {}
    for name in sorted(lost) if around else ():
        names = find_names(document, (name,))
        body = Scope(around[-1].start_byte, around[-1].end_byte, "function")
        for one in names.group(None) if names is not None else ():
            call = call_around(tree, one.start, one.end) if one.role == Role.USE and body in one.scopes else None
            given = [] if call is None else [a for a in call.arguments if a.keyword == name and a.end == one.end]
            if call is not None and given:
                calls.setdefault(call.start, (call, []))[1].extend(given)
    for call, arguments in calls.values():
        if (change := without(document.text, call, arguments)) is not None:
            yield change
