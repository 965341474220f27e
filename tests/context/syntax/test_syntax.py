import random

import pytest

from context.documents.document import Document
from context.documents.work_limit import WorkLimit
from context.syntax.symbols import Symbol
from context.syntax.syntax import Chunk, parse

SOURCES = {
    "python": '''
LIMIT = 3
try:
    import fast
    FAST = True
except ImportError:
    pass

@register(
    "x")
class Shape(Base):
    """A shape."""
    sides: int = 0

    def area(self,
             scale: float = 1.0) -> float:
        half = scale / 2
        def local(): pass
        return half

async def fetch(url): return url
''',
    "typescript": """
export interface Point { x: number; move(by: number): void }
export type Id = string | number;
enum Color { Red }
export const origin = { x: 0 };
export default class View<T> extends Base {
  private name: string = "";
  render(at: Point): void {
    const inner = 1;
  }
}
export function draw(view: View<Point>) { return view; }
const later = async () => { return 1; };
namespace N { export function inside() {} }
""",
    "javascriptreact": """
const App = () => <div>{1}</div>;
class Store { get(key) { return key; } #secret() {} }
function* ids() {}
""",
    "typescriptreact": """
export function Button(props: Props) { return <b>{props.x}</b>; }
""",
    "go": """
package p
const Max = 3
var Global = 1
type Server struct {
	Addr string
}
type Handler interface { Serve(x int) error }
func (s *Server) Run(
	port int,
) error {
	local := 1
	return nil
}
func New() *Server { return nil }
""",
    "rust": """
pub const MAX: u32 = 3;
pub struct Tree<T> { root: T }
enum Kind { A, B }
trait Walk { fn step(&self) -> u32; }
impl<T> Tree<T> {
    pub fn depth(&self) -> u32 {
        0
    }
}
mod inner { pub fn leaf() {} }
macro_rules! my { () => {} }
type Alias = Tree<u8>;
""",
    "java": """
package p;
public class Cart extends Base {
    private int size = 0;
    public Cart(int size) { this.size = size; }
    @Override
    public int total(int tax)
    {
        return size;
    }
    enum State { OPEN }
}
interface Pay { void pay(); }
record Pair(int a, int b) {}
""",
    "c": """
#define SIZE 10
#define MIN(a, b) ((a) < (b) ? (a) : (b))
struct node { int value; };
typedef struct { int x; } point;
enum color { RED };
int add(int a, int b);
static char *name_of(struct node *n)
{
    return 0;
}
int counter = 0;
""",
    "cpp": """
namespace geo {
template <typename T>
class Vec {
public:
    T dot(const Vec& o) const;
    int size() { return 0; }
};
}
int geo::Vec<int>::dot(const Vec& o) const { return 1; }
using Index = int;
int& ref(int& a) { return a; }
""",
}
EXPECTED = {
    "python": "variable LIMIT, variable FAST, class Shape, field Shape.sides, method Shape.area, function fetch",
    "typescript": "interface Point, field Point.x, method Point.move, type Id, enum Color, variable origin, "
    "class View, field View.name, method View.render, function draw, variable later, module N, function N.inside",
    "javascriptreact": "variable App, class Store, method Store.get, method Store.#secret, function ids",
    "typescriptreact": "function Button",
    "go": "constant Max, variable Global, type Server, type Handler, method Handler.Serve, method Run, function New",
    "rust": "constant MAX, struct Tree, enum Kind, interface Walk, method Walk.step, implementation Tree<T>, "
    "method Tree<T>.depth, module inner, function inner.leaf, macro my, type Alias",
    "java": "class Cart, field Cart.size, method Cart.Cart, method Cart.total, enum Cart.State, "
    "constant State.OPEN, interface Pay, method Pay.pay, class Pair",
    "c": "macro SIZE, macro MIN, struct node, type point, enum color, function add, function name_of, variable counter",
    "cpp": "module geo, class geo.Vec, method Vec.dot, method Vec.size, function dot, type Index, function ref",
}


def parsed(language: str, text: str) -> tuple[list[Symbol], list[Chunk]]:
    outline = parse(language, text, Document("x", text, language, 0).lines, WorkLimit(10))
    return list(outline.symbols), list(outline.chunks)


@pytest.mark.parametrize("language", SOURCES)
def test_definitions_are_found_in_every_language(language: str) -> None:
    symbols, _ = parsed(language, SOURCES[language])
    found = [f"{s.kind} {s.container + '.' if s.container else ''}{s.name}" for s in symbols]
    assert ", ".join(found) == EXPECTED[language]


@pytest.mark.parametrize(
    ("language", "name", "signature"),
    [
        ("python", "area", "    def area(self,\n             scale: float = 1.0) -> float:"),
        ("python", "Shape", "class Shape(Base):"),
        ("go", "Run", "func (s *Server) Run(\n\tport int,\n) error {"),
        ("java", "total", "    @Override\n    public int total(int tax)"),
        ("c", "name_of", "static char *name_of(struct node *n)"),
        ("rust", "step", "trait Walk { fn step(&self) -> u32; }"),
    ],
)
def test_a_signature_is_the_lines_up_to_the_body(language: str, name: str, signature: str) -> None:
    symbols, _ = parsed(language, SOURCES[language])
    (symbol,) = [symbol for symbol in symbols if symbol.name == name]
    assert symbol.signature == signature


def test_a_definition_begins_at_its_decorator_and_ends_with_its_body() -> None:
    symbols, _ = parsed("python", SOURCES["python"])
    lines = SOURCES["python"].splitlines()
    (shape,) = [symbol for symbol in symbols if symbol.name == "Shape"]
    assert lines[shape.first_line] == "@register("
    assert lines[shape.last_line] == "        return half"


def test_chunks_are_all_lines_and_part_at_definitions() -> None:
    text = "import os\n\n" + "".join(f"def f{n}(a):\n" + "    a += 1\n" * 18 + "    return a\n\n" for n in range(20))
    symbols, chunks = parsed("python", text)
    starts = {symbol.first_line for symbol in symbols}
    assert [chunk.first_line in starts for chunk in chunks[1:]] == [True] * (len(chunks) - 1)
    assert all(12 <= chunk.end_line - chunk.first_line <= 60 for chunk in chunks)


@pytest.mark.parametrize("language", [*SOURCES, "plaintext", "yaml"])
def test_any_text_is_parted_without_loss(language: str) -> None:
    rng = random.Random(language)
    pieces = [*"(){}[]:;,.\n\n\n  \t'\"#\\", "def ", "class ", "x", " = ", "\r\n", "é", "\ud800", "\0", "/*"]
    for _ in range(40):
        text = "".join(rng.choices(pieces, k=rng.choice([0, 3, 100, 2000])))
        if rng.random() < 0.3:
            text = SOURCES.get(language, "a\n\nb\n") + text
        if rng.random() < 0.1:
            text += "\ralone"
        line_count = len(Document("x", text, language, 0).lines)
        symbols, chunks = parsed(language, text)
        assert [chunk.first_line for chunk in chunks] == [0, *(chunk.end_line for chunk in chunks[:-1])]
        assert chunks[-1].end_line == line_count
        assert all(0 <= s.first_line <= s.last_line < line_count for s in symbols)


def test_deep_nesting_does_not_break_the_parser() -> None:
    parsed("python", "(" * 20_000)
    parsed("javascript", "{" * 20_000 + "[" * 20_000)
