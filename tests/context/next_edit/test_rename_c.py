"""Renamings in C and C++, in one file and in those that include it."""

from pathlib import Path

import pytest

from tests.context.next_edit.marked_names import check_files, rename_marked, with_renamed

CASES = {
    "c local.c": """
        static int f(const char *«name», int *other)
        {
            int n = strlen(‹name›);
            if (other) { char *name = 0; use(name); }
            return g(‹name›, other->name);
        }
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
    "cpp outside.cpp": """
        struct Box {
            int ‹grow›(int n);
            int two() { return ‹grow›(2); }
        };
        struct Crate { int grow(int n); };
        int Box::«grow»(int n) { return ‹grow›(n); }
        int f(Box &a) { return a.‹grow›(1); }
        """,
    "cpp derived.cpp": """
        struct Base {
            virtual int «grow»(int n);
            int two() { return ‹grow›(2); }
        };
        struct Box : public Base {
            int ‹grow›(int n) override;
            int three() { return ‹grow›(3) + this->‹grow›(1); }
        };
        struct Far final : ns::Box { int four() { return ‹grow›(4); } };
        struct Pile : Shelf, Far { int ‹grow›(int n) const noexcept final { return 1; } };
        struct Crate : Base {
            int grow(int n);
            int five() { return grow(5); }
        };
        struct Lid : Crate { int six() { return grow(6); } };
        struct Other : Mixin<Base> { int seven() { return grow(7); } };
        int Box::‹grow›(int n) { return Base::‹grow›(n); }
        int f(Box &a, Far *b, Crate c, Pile d) { return a.‹grow›(1) + b->‹grow›(2) + c.grow(3) + d.‹grow›(4); }
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
FILES: dict[str, dict[str, str]] = {
    "cpp": {
        "include/box.h": "namespace ns {\nclass Box {\n public:\n  int «grow»(int n);\n  int two();\n};\n}\n",
        "src/box.cpp": (
            '#include "box.h"\n\nint ns::Box::‹grow›(int n) { return n; }\n\nint Box::two() { return ‹grow›(2); }\n'
            "\nint Box::three() { int grow = 1; return grow; }\n"
        ),
        "src/main.cc": '#include "box.h"\n\nint f(Box &a, Other &b) { return a.‹grow›(1) + b.grow(1); }\n',
        "src/other.cpp": '#include "other.h"\n\nint Box::grow(int n) { return n; }\n',
    },
    "a function of c": {
        "include/box.h": "#ifndef BOX_H\n#define BOX_H\nint «load»(int a);\n#endif\n",
        "src/box.c": '#include "box.h"\n\nint ‹load›(int a) { return a ? ‹load›(a - 1) : 0; }\n',
        "src/main.c": (
            '#include "box.h"\n\nint main(void) { return ‹load›(1) + x.load; }\n\nint f(int load) { return load; }\n'
        ),
        "src/other.c": "static int load(void) { return 0; }\n",
    },
    "a definition of c": {
        "src/box.c": '#include "shop.h"\n\nint «load»(int a) { return a; }\n',
        "src/shop.h": '#include "box.h"\n',
        "src/box.h": "int ‹load›(int a);\n",
        "src/main.c": '#include "box.h"\n\nint x = ‹load›(2);\n',
        "src/other.c": '#include "other.h"\n\nint x = load(2);\n',
        "src/other.h": "int load(int a);\n",
    },
    "a header in another one": {
        "src/box.h": "int «load»(int a);\n",
        "src/crate.h": '#include "box.h"\n#include "shop.h"\n',
        "src/shop.h": '#include "crate.h"\n',
        "src/main.c": '#include "shop.h"\n\nint x = ‹load›(2);\n',
        "src/other.c": '#include "other.h"\n\nint x = load(2);\n',
        "src/other.h": "int load(int a);\n",
    },
    "a member by another header": {
        "src/box.h": "struct Box {\n  int «size»;\n};\n",
        "src/crate.h": '#include "box.h"\n',
        "src/main.cpp": '#include "crate.h"\n\nint f(Box &a, Crate &b) { return a.‹size› + b.size; }\n',
    },
    "a definition of cpp": {
        "src/box.cpp": '#include "crate.h"\n\nint ns::Box::«grow»(int n) { return n; }\n',
        "src/crate.h": '#include "box.h"\n',
        "src/box.h": "namespace ns {\nclass Box {\n public:\n  int ‹grow›(int n);\n};\n}\n",
        "src/main.cpp": '#include "box.h"\n\nint f(ns::Box &a, Crate &b) { return a.‹grow›(1) + b.grow(1); }\n',
    },
    "a class that derives": {
        "base.h": "class Base {\n public:\n  virtual int «grow»(int n) = 0;\n};\n",
        "a.cpp": '#include "box.h"\n\nint Box::‹grow›(int n) { return n; }\nint f(Box &a) { return a.‹grow›(1); }\n',
        "box.h": '#include "base.h"\n\nclass Box : public Base {\n  int ‹grow›(int n) override;\n};\n',
    },
    "a class of cpp": {
        "box.h": "namespace a::ns {\nclass «Box» {\n public:\n  ‹Box›();\n};\n}\n",
        "box.cpp": '#include "box.h"\n\nnamespace a::ns {\n‹Box›::‹Box›() {}\n}\n',
        "main.cpp": '#include "box.h"\n\nusing namespace a::ns;\n‹Box› x;\na::ns::‹Box› y;\nother::Box z;\n',
        "same.cpp": '#include "box.h"\n\nnamespace other {\nclass Box {};\nBox z;\n}\n',
    },
}


@pytest.mark.parametrize("name", CASES)
def test_a_renaming_is_followed_in_a_file(name: str) -> None:
    marked = CASES[name].replace("\n        ", "\n")
    new = "Renamed_" if "_»" in marked else "Renamed"
    assert rename_marked(name.split()[1], marked, new).text == with_renamed(marked, new)


@pytest.mark.parametrize("name", FILES)
def test_a_renaming_is_followed_into_the_files_that_include(name: str, tmp_path: Path) -> None:
    check_files(tmp_path, FILES[name], "Cost")
