"""A renaming in each language: the text says with marks what is renamed («») and what has to follow (‹›)."""

import re

import pytest

from context.documents.document import Document
from context.next_edit.names.resolve_names import find_names, find_occurrences
from tests.context.next_edit.typing_user import TypingUser

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
    "c local.c": """
        static int f(const char *«name», int *other)
        {
            int n = strlen(‹name›);
            if (other) { char *name = 0; use(name); }
            return g(‹name›, other->name);
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
    "cpp initializer.cpp": """
        class Box : Base {
            int «size»;
            Box(int size) : Base(size), ‹size›(size), other{size} {}
            Box() : ‹size›{1} { use(‹size›); }
        };
        """,
    "cpp parameter.cpp": """
        class Box {
            int size;
            Box(int «count») : size(‹count›), count_{‹count›} { use(‹count›); }
        };
        Box::Box(int count, int) : size(count) {}
        """,
    "cpp method.cpp": """
        template <class T>
        class Box {
            int «grow»(int n);
            int two() { return ‹grow›(2) + other.grow(2); }
        };
        template <class T>
        int ns::Box<T>::‹grow›(int n) { return this->‹grow›(n) + ‹grow›(n) + grow_; }
        int Other::grow(int n) { return grow(n); }
        int grow(int n);
        int g(int a = Box<int>::one()) { return grow(a); }
        int f(const Box<int> &a, Other *b) {
            Box<int> c, *d = &c;
            auto e = Box<int>();
            auto *g = new Box<int>();
            return a.‹grow›(1) + b->grow(1) + c.‹grow›(1) + d->‹grow›(1) + e.‹grow›(1) + g->‹grow›(1) + grow(1);
        }
        """,
    "cpp static.cpp": """
        struct Box {
            static int «count»;
            Box();
            int f(int count) { return count + Box::‹count›; }
        };
        int Box::‹count› = 0;
        Box::Box() { ‹count› += ns::count; }
        int Box::g(int count) { return count; }
        """,
    "cpp class.cpp": """
        class «Box» : Base {
            explicit ‹Box›(int size) : Base(size) {}
            template <class T> ‹Box›(T size);
            ~‹Box›();
            static ‹Box› make() { return ‹Box›(1); }
            int Box_;
        };
        ‹Box›::‹Box›() : Base(1) {}
        ns::‹Box›::~‹Box›() {}
        ‹Box› ‹Box›::make(‹Box› *a) { return *a; }
        """,
    "cpp base.cpp": """
        class «Base» {};
        class Box : public ‹Base› {
            Box(int Base) : ‹Base›(Base), size(1) {}
        };
        """,
    "java class.java": """
        class «Box» {
            ‹Box›(int size) {}
            static ‹Box› make() { return new ‹Box›(1); }
        }
        """,
    "c struct.c": """
        struct box {
            int «size»;
        };
        typedef struct { int size; } Crate;
        int f(struct box *a, Crate *b, int size) {
            struct box c[2], d = {.‹size› = size};
            struct crate e = {.box = {.size = 1}, .size = 2};
            struct box g = {.inner = {.size = 1}, .‹size› = 2};
            return a->‹size› + b->size + d.‹size› + size + c->‹size› + c[0].‹size›;
        }
        """,
    "c typedef.c": """
        typedef struct crate { int «size»; } Crate;
        int f(Crate *a, const struct crate b) { return a->‹size› + b.‹size› + other->size; }
        """,
    "cpp google.cpp": """
        class Box {
            int «size_» = 0;
            int get() { return ‹size_›; }
        };
        """,
    "c function.c": """
        int «load»(int a);
        int ‹load›(int a) { return a; }
        int main(void) { return ‹load›(1) + x.load; }
        """,
    "cpp field.cpp": """
        struct Box {
            int «size» = 1;
            int grow(int n) { return ‹size› + n + this->‹size›; }
            int other(int size) { return size; }
        };
        """,
}


@pytest.mark.parametrize("name", CASES)
def test_a_renaming_is_followed(name: str) -> None:
    marked = CASES[name].replace("\n        ", "\n")
    old = re.findall("«(.*?)»", marked)[0]
    path = name.split()[1]
    user = TypingUser({path: re.sub("[«»‹›]", "", marked)})
    start = marked[: marked.index("«")].replace("‹", "").replace("›", "")
    # In Rust, a pattern with a capital letter is a constant.
    new = "renamed" if "_let.rs" in name else "Renamed_" if old.endswith("_") else "Renamed"
    user.become(path, len(start), len(start) + len(old), new)
    user.accept_all()
    expected = re.sub("«.*?»|‹.*?›", new, marked)
    if name in ("typescript parameter.ts", "rust shorthand.rs"):  # a field that has the name of its variable
        expected = expected.replace("{ Renamed,", f"{{ {old}: Renamed,").replace("{ Renamed }", f"{{ {old}: Renamed }}")
    assert user.text == expected


# Tree-sitter makes one error of this, without the node of a file.
ONE_ERROR = """\
    ): (state: State) => State
    <State, Args extends any[]>(
    ): (state: State, ...args: Args) => State
    <State, Recipe extends Function>(
"""


def test_a_file_that_is_one_large_error_has_a_scope_all_the_same() -> None:
    document = Document("a.ts", ONE_ERROR, "typescript", 1)
    found = find_occurrences(document, ["State", "Args", "state"])
    assert found
    assert {one.scopes[-1].kind for one in found} == {"ERROR"}
    assert find_names(document, ["State", "Args", "state"]) is not None
