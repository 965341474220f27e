"""A renamed member of a class is followed outside the class: behind the dots of its instances, and in its calls."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from context.next_edit.proposal import Proposal
from tests.context.next_edit.typing_user import TypingUser
from tests.context.tree import indexed, write_tree

# The texts say with marks what is renamed («») and what has to follow (‹›).
CASES: dict[str, dict[str, str]] = {
    "a field of a dataclass": {
        "shop/item.py": """
            from dataclasses import dataclass, field

            @dataclass
            class Item:
                «price»: int
                parts: list["Item"] = field(default_factory=list)

                def twice(self, price) -> int:
                    return self.‹price› * 2 + price

            def cheapest(items: list[Item], price: int) -> Item:
                for one in items:
                    print(one.‹price›, items.price)
                return Item(‹price›=price)

            x = Item(‹price›=1).‹price› + cheapest([], 1).‹price› + other(price=1).price
            """,
        "shop/use.py": """
            from .item import Item, cheapest

            def make(price, given: Item | None, path: Path):
                one = Item(‹price›=price)
                item = load()
                print(given.‹price›, item.‹price›, path.price, thing.price, Other(price=1))
                with Item(‹price›=2) as two:
                    return one.‹price› + two.‹price› + price
            """,
        "shop/far.py": "def f(item):\n    return item.price\n",
    },
    "an attribute that a method sets": {
        "pool.py": """
            class Pool:
                def __init__(self, free_slots):
                    self.«free_slots» = free_slots
                    self.other = Other(free_slots=1)

                def size(self):
                    return self.‹free_slots› - self.other.name

            class Sub(Pool):
                def half(self):
                    return self.‹free_slots› / 2

            class Apart:
                def half(self):
                    return self.free_slots / 2

            pool = Pool(free_slots=1)
            print(pool.‹free_slots›, Sub(1).‹free_slots›, free_slots)
            """,
        "use.py": """
            import pool

            class Own(pool.Pool):
                def more(self):
                    return self.‹free_slots› + 1

            def f(anything, number: int, own: Own):
                print(own.‹free_slots›)
                return anything.‹free_slots› + number.free_slots
            """,
        "alias.py": """
            from pool import Pool as Base

            class Pool(Base):
                def more(self, base: Base):
                    return self.‹free_slots› + base.‹free_slots›
            """,
        "far.py": """
            from use import Own

            class Third(Own):
                def more(self):
                    return self.‹free_slots› + 2
            """,
    },
    "a field that another class of the file has too": {
        "a.py": """
            class A:
                size_px = 0
                def f(self): return self.size_px

            class B:
                «size_px» = 0
                def f(self, b: "B"): return self.‹size_px› + b.size_px
            """,
    },
    "a field that a class of another file has too": {
        "a.py": "class A:\n    «size_px»: int = 0\n\n\ndef f(a: A, x):\n    return a.‹size_px› + x.size_px\n",
        "b.py": "class B:\n    size_px: int = 0\n",
        "c.py": "from a import A\n\n\ndef f(x, a: A, c: A | B):\n    return x.size_px + a.‹size_px› + c.size_px\n",
    },
    "a field of a class that is not the only one of its name": {
        "a.py": "class Item:\n    «size_px»: int = 0\n\n\nx = Item(‹size_px›=1)\n",
        "b.py": "import a\n\n\nclass Item:\n    pass\n\n\ndef f(x: Item):\n    return x.size_px, Item(size_px=1)\n",
        "c.py": "import a\nfrom b import Item\n\n\ndef f(x: Item):\n    return x.size_px, Item(size_px=1)\n",
    },
    "a short field of an unknown object": {
        "a.py": "class Item:\n    «name»: str\n\n\ndef f(x, item):\n    return x.name + item.‹name›\n",
    },
    "members of an interface": {
        "src/box.ts": """
            export interface Box {
                «width»: number;
                height: number;
            }
            class Crate {
                fit(b: Box, boxes: Box[], x: { width: number }): Box {
                    for (const one of boxes) { use(one.‹width›, x.width, width); }
                    const made: Box = {
                        ‹width›: 1,
                        height: 2,
                    };
                    other({ width: 1 });
                    return { ‹width›: b.‹width›, height: made.‹width› };
                }
            }
            """,
        "src/use.ts": """
            import { Box } from './box';

            function area(box: Box | null, screen: Screen) {
                const boxes = [{ width: 1 }] as Shape[], more = { ‹width›: 2 } as Box;
                return box?.‹width› * screen.width + (more as Box).‹width› + make().width;
            }
            """,
        "src/far.ts": "import { Box } from './elsewhere';\n\nfunction f(box: Box) { return box.width; }\n",
        "src/elsewhere.ts": "export interface Box {\n    height: number;\n}\n",
    },
    "a field of a class in TypeScript": {
        "src/box.ts": """
            export class Box {
                private «width» = 1;
                grow() { return this.‹width›; }
            }
            const b = new Box();
            b.‹width› = 3;
            """,
        "src/use.ts": """
            import { Box } from './box';

            class Small extends Box { half() { return this.‹width› / 2; } }
            class Apart { half() { return this.width / 2; } }
            function area(screen: Screen) { return new Box().‹width› * screen.width; }
            """,
    },
    "a field of a struct": {
        "go.mod": "module example.com/shop\n",
        "box/box.go": """
            package box

            type Box struct {
            \t«Width» int
            \tOther   struct{ Height int }
            }

            func (b *Box) Grow() int { return b.‹Width› }

            func New() *Box { return &Box{‹Width›: 1} }

            var x, y = New().‹Width›, Crate{Width: 1}
            """,
        "box/near.go": """
            package box

            func (b *Box) Two(c Crate, d []*Box) int {
            \tfor _, one := range d { use(one.‹Width›, c.Width) }
            \treturn b.‹Width› + d[0].‹Width›
            }
            """,
        "main.go": """
            package main

            import "example.com/shop/box"

            func f(o other.Box) int {
            \tb := box.Box{‹Width›: 1}
            \tp := &b
            \treturn b.‹Width› + p.‹Width› + o.Width + other.Box{Width: 1}.Width
            }
            """,
        "far.go": "package main\n\ntype Box struct{ Height int }\n\nfunc g(b Box) int { return b.Width }\n",
    },
}


CASES["a word that the index leaves out"] = {
    "a.py": """
            class View:
                def __init__(self):
                    self.«template» = 1


            def send(mail):
                return mail.template
            """,
    "b.py": """
            class Mail:
                def __init__(self):
                    self.template = 2
            """,
    "c.py": """
            from a import View


            def use(view: View):
                return view.‹template›
            """,
}


def without_marks(files: Mapping[str, str]) -> dict[str, str]:
    return {path: re.sub("[«»‹›]", "", text).replace("\n            ", "\n") for path, text in files.items()}


def line_of(proposal: Proposal) -> str:
    return proposal.document.lines[proposal.document.position_at(proposal.start)[0]].strip()


def rename_first(root: Path, files: Mapping[str, str]) -> TypingUser:
    """Rename what is marked, with its file alone open."""
    marked = {path: text.replace("\n            ", "\n") for path, text in files.items()}
    texts = without_marks(files)
    index, _ = indexed(write_tree(root / "root", texts), root / "cache")
    path = next(path for path, text in marked.items() if "«" in text)
    (old,) = re.findall("«(.*?)»", marked[path])
    user = TypingUser({path: texts[path]}, index)
    start = len(re.sub("[‹›]", "", marked[path][: marked[path].index("«")]))
    user.become(path, start, start + len(old), "Renamed")
    return user


@pytest.mark.parametrize("name", CASES)
def test_a_member_is_followed_outside_its_class(name: str, tmp_path: Path) -> None:
    user = rename_first(tmp_path, CASES[name])
    user.accept_all()
    texts = without_marks(CASES[name]) | {path: document.text for path, document in user.buffers.items()}
    renamed = {path: re.sub("«.*?»|‹.*?›", "Renamed", text) for path, text in CASES[name].items()}
    assert texts == without_marks(renamed)


def test_a_name_that_many_files_have_is_followed_where_objects_say_what_they_are(tmp_path: Path) -> None:
    files = {
        "a.py": "class Item:\n    «size»: int = 0\n\n\nclass Sub(Item):\n    pass\n",
        "b.py": "from a import Item\n\n\ndef f(x: Item, item):\n    return x.‹size› + item.size\n",
    } | {f"many/m{number}.py": f"size = {number}\n" for number in range(40)}
    user = rename_first(tmp_path, files)
    user.accept_all()
    assert user.buffers["b.py"].text == re.sub("‹.*›", "Renamed", files["b.py"])


def test_the_places_in_the_class_come_first_and_an_unknown_object_is_less_sure(tmp_path: Path) -> None:
    user = rename_first(tmp_path, CASES["an attribute that a method sets"])
    confidences: dict[str, float] = {}
    while found := user.propose():
        confidences |= {line_of(one): one.confidence for one in found}
        user.accept(found[0])
    assert list(confidences.values())[:2] == [0.9, 0.9]
    assert confidences["return self.free_slots + 1"] > confidences["return anything.free_slots + number.free_slots"]
    assert min(confidences.values()) >= 0.5
