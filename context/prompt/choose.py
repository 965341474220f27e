"""Chooses the snippets that a prompt has room for: the best first, and no line of a file twice."""

from collections.abc import Callable, Sequence

from context.prompt.snippet import Snippet, in_reading_order

# Cuts a snippet to so many tokens; gives what is left of it and its tokens, or None where too little is left.
Cut = Callable[[Snippet, int], tuple[Snippet, int] | None]
# Lays out candidates in so many tokens of room, cutting them to fit; gives the snippets in the prompt's order.
Arrange = Callable[[Sequence[Snippet], int, Cut], Sequence[Snippet]]


def arrange_afresh(candidates: Sequence[Snippet], room_tokens: int, cut: Cut) -> Sequence[Snippet]:
    """Lay the best candidates out in all of the room, in the order in which they are best read."""
    return in_reading_order(snippet for snippet, _ in choose(candidates, room_tokens, cut))


def choose(candidates: Sequence[Snippet], room_tokens: int, cut: Cut) -> list[tuple[Snippet, int]]:
    """Return the best snippets that fit together, with their tokens. No snippet shows what another one shows."""
    chosen: dict[str, list[tuple[Snippet, int]]] = {}
    for snippet in sorted(candidates, key=lambda snippet: -snippet.score):
        same_file = chosen.get(snippet.path, [])
        if any(other.holds(snippet) for other, _ in same_file):
            continue
        covered = [entry for entry in same_file if snippet.holds(entry[0])]
        room = room_tokens + sum(tokens for _, tokens in covered)
        fitting = cut(snippet, room) if room > 0 else None
        if fitting is None or not all(fitting[0].holds(entry[0]) for entry in covered):
            continue
        chosen[snippet.path] = [*(entry for entry in same_file if entry not in covered), fitting]
        room_tokens = room - fitting[1]
    return [entry for entries in chosen.values() for entry in entries]
