"""A renaming in each language: the text says with marks what is renamed («») and what has to follow (‹›)."""

import re

import pytest

from context.documents.document import Document
from context.next_edit.names.resolve_names import find_names, find_occurrences
from tests.context.next_edit.marked_names import rename_marked, with_renamed

CASES = {
    "typescript parameter.ts": """
        function f(«item»: string, { other }: Options): string {
            const g = (item: number) => item;
            console.log(`${‹item›} item`, { ‹item›, item: ‹item›, other }, x.item);
            return ‹item›; // item
        }
        const item = 1;
        """,
    "typescript block.ts": """
        const «count» = 1;
        for (let count = 0; count < 3; count++) { use(count); }
        if (a) { const count = 2; use(count); }
        export function f() { return ‹count›; }
        """,
    "javascript field.js": """
        class A { «size» = 1; grow(size) { this.‹size› += size; return this.‹size›; } }
        class B { size = 1; grow() { return this.size; } }
        """,
    "typescript private.ts": """
        class A { #«size» = 1; size = 2; grow(a: A) { this.#‹size› += a.#‹size›; return this.#‹size› + this.size; } }
        class B { #size = 1; grow() { return this.#size; } }
        """,
    "typescript nameless.ts": """
        class A { «size» = 1; grow(x: { size: number }) { return this.‹size› + x.size; } }
        """,
    "typescript interface.ts": """
        interface A { «size»: number; inner: A }
        function f(a: A, b: B) { return a.‹size› + b.size; }
        """,
    "javascript method.js": """
        class A {
            constructor() { this.‹load›(); }
            «load»() { load(); this.other.load(); }
        }
        """,
    "javascript var.js": """
        function f() { if (a) { var «x» = 1; } return ‹x›; }
        var x = 2;
        """,
    "typescript destructured.tsx": """
        function View() {
            const [«value», setValue] = useState(0);
            return <input value={‹value›} onChange={(e) => setValue(e.target.value + ‹value›)} />;
        }
        """,
    "typescript type.ts": """
        interface «Shape» { area: number }
        const shape: ‹Shape› = make<‹Shape›>();
        type Shapes = ‹Shape›[];
        """,
    "go local.go": """
        package p

        func f(xs []int) int {
            «total» := 0
            for _, x := range xs {
                total := total_of(x)
                use(total, x.total)
            }
            if ‹total› > 1 {
                ‹total› = 2
            }
            return ‹total›
        }
        """,
    "go shadow.go": """
        package p

        func TestF(t *testing.T) {
            for _, «test» := range tests {
                test := ‹test›
                use(test)
            }
        }
        """,
    "go field.go": """
        package p

        type Box struct {
            «size» int
        }

        func (b *Box) Grow(size int) Box {
            b.‹size› += size
            return Box{‹size›: b.‹size›}
        }

        func (c *Crate) Grow() int { return c.size }
        """,
    "go function.go": """
        package p

        func «load»(a int) {}

        func f() { ‹load›(1); x.load(2) }
        """,
    "rust shadow.rs": """
        fn f() -> u8 {
            let «word» = read();
            println!("{}", ‹word›);
            let word = ‹word›.trim();
            word.len()
        }
        """,
    "rust format.rs": """
        fn f(«count»: u8) -> String {
            println!("count {‹count›:?} {{count}} {‹count›}\\n{‹count› } { count } {:count} {0}", ‹count›);
            log::warn!(r"{‹count›}");
            if g { let count = 2; println!("{count}"); }
            other!("{count}");
            let text = "{count}";
            format!("{‹count›:>4}")
        }
        """,
    "rust field.rs": """
        struct Box { «size»: u8 }
        impl Box {
            fn new(size: u8) -> Self { Self { ‹size›: size } }
            fn grow(&self) -> u8 { self.‹size› + self.other.size }
        }
        """,
    "rust shorthand.rs": """
        fn f(«size»: u8) -> Box {
            match g { Some(size) => size, None => ‹size› };
            Box { ‹size› }
        }
        """,
    "rust method.rs": """
        impl Box {
            fn «grow»(&self) {}
            fn two(&self) { self.‹grow›(); Self::‹grow›(self); self.a.grow(); }
        }
        """,
    "java local.java": """
        class A {
            int size;
            int f(int «size») { g(x -> ‹size› + x); this.size = ‹size›; return ‹size›; }
            int g() { return size; }
        }
        """,
    "java field.java": """
        class A {
            private int «size» = 1;
            int f(int size) { return this.‹size› + size + size(); }
            int g() { return ‹size› + other.size; }
            int size() { return 1; }
        }
        """,
    "java method.java": """
        class A {
            void «load»() {}
            void f() { ‹load›(); this.‹load›(); other.load(); int load = 1; }
        }
        """,
    "rust if_let.rs": """
        fn f(v: Option<i32>) -> i32 { if let Some(«v») = v { ‹v› } else { v.unwrap_or(0) } }
        """,
    "rust while_let.rs": """
        fn f(mut «node»: Option<Box<Node>>) { while let Some(node) = ‹node› { use(node); } use(‹node›); }
        """,
    "typescript iterator.ts": """
        class Tree {
            «next»: Tree | null = null;
            [Symbol.iterator]() {
                let node: Tree | null = this;
                return { next() { const value = node; node = node ? node.‹next› : null; return { value }; } };
            }
            bound() { return function () { return this.next; }; }
            last() { return [1].map(() => this.‹next›); }
        }
        """,
    "typescript property.ts": """
        class S {
            constructor(private readonly «http»: Http, size: number) { ‹http›.init(size); }
            get() { return this.‹http›.get(this.size); }
        }
        class T { http = 1; get() { return this.http; } }
        """,
    "java class.java": """
        class «Box» {
            ‹Box›(int size) {}
            static ‹Box› make() { return new ‹Box›(1); }
        }
        """,
}


@pytest.mark.parametrize("name", CASES)
def test_a_renaming_is_followed(name: str) -> None:
    marked = CASES[name].replace("\n        ", "\n")
    # In Rust, a pattern with a capital letter is a constant.
    new = "renamed" if "_let.rs" in name else "Renamed"
    expected = with_renamed(marked, new)
    if name in ("typescript parameter.ts", "rust shorthand.rs"):  # a field that has the name of its variable
        old = re.findall("«(.*?)»", marked)[0]
        expected = expected.replace("{ Renamed,", f"{{ {old}: Renamed,").replace("{ Renamed }", f"{{ {old}: Renamed }}")
    assert rename_marked(name.split()[1], marked, new).text == expected


# Tree-sitter makes one error of this, without the node of a file.
ONE_ERROR = """\
    ): (state: State) => State
    <State, Args extends any[]>(
    ): (state: State, ...args: Args) => State
    <State, Recipe extends Function>(
"""


def test_a_broken_list_of_exports_is_read_all_the_same() -> None:
    assert find_occurrences(Document("a.ts", "export{h,xD>,Z", "typescript", 1), ["xD", "h"]) is not None


def test_a_file_that_is_one_large_error_has_a_scope_all_the_same() -> None:
    document = Document("a.ts", ONE_ERROR, "typescript", 1)
    found = find_occurrences(document, ["State", "Args", "state"])
    assert found
    assert {one.scopes[-1].kind for one in found} == {"ERROR"}
    assert find_names(document, ["State", "Args", "state"]) is not None
