"""A question is asked with the code that its words name, though it mentions nothing."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from context.documents.edits import Edit
from context.index.workspace import Workspace
from context.question.answer_context import Place, still_true
from context.question.lay_out import ShownText
from context.secrets.masking import make_placeholder
from midspan import DocumentError
from tests.context.question.shop import TREE, ask, document, kinds, opened
from tests.context.tree import KEY


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with opened(tmp_path_factory.mktemp("question")) as workspace:
        yield workspace


@pytest.fixture
def place(workspace: Workspace) -> Place:
    return Place(workspace)


def test_a_name_brings_its_definition_its_callers_its_tests_and_what_it_uses(place):
    context = ask("How does round_price work?", place)
    assert kinds(context) >= {
        ("definition", "shop/price.py"),
        ("caller", "shop/cart.py"),
        ("test", "tests/test_price.py"),
        ("definition", "shop/tax.py"),
    }
    assert "return add_tax(cents) // 5 * 5" in context.text
    assert "prices.round_price(item.cents)" in context.text
    assert {(part.path, part.why) for part in context.parts} >= {
        ("shop/price.py", "defines round_price"),
        ("shop/cart.py", "uses round_price"),
        ("tests/test_price.py", "tests round_price"),
        ("shop/tax.py", "used by round_price"),
    }


@pytest.mark.parametrize(
    "question",
    [
        "What does `make_list` return?",
        "What does make_list() return?",
        "Who calls shop.make_list?",
        "What does MakeList do?",
        "How do we make the list?",
    ],
)
def test_a_name_is_found_however_it_is_written(place, question):
    context = ask(question, place)
    assert context.parts[0].path == "shop/price.py"
    assert "# Makes the list that a customer sees.\ndef make_list(shop):\n" in context.text


def test_what_is_registered_comes_with_the_function_that_runs_it(tmp_path):
    tree = {
        "bell.py": (
            "class Bell:\n"
            "    def __init__(self):\n        self.ring_hooks: list = []\n\n"
            "    def on_ring(self, hook):\n        self.ring_hooks.append(hook)\n"
        ),
        "tower.py": "def strike(bell, hour):\n    for hook in bell.ring_hooks:\n        hook(hour)\n",
        "clock.py": "def wind_up(clock):\n    clock.hooks = []\n",
    }
    with opened(tmp_path, tree) as workspace:
        parts = ask("In which order do the hooks of on_ring run?", Place(workspace)).parts
    assert ("tower.py", "uses ring_hooks") in {(part.path, part.why) for part in parts}
    assert "uses hooks" not in {part.why for part in parts}


def test_an_owner_before_the_name_tells_which_one_is_meant(tmp_path):
    tree = {f"{name.lower()}.py": f"class {name}:\n    def run(self):\n        return 1\n" for name in ("Train", "Bus")}
    with opened(tmp_path, tree) as workspace:
        first = ask("What does Bus.run do?", Place(workspace)).parts[0]
    assert first.path == "bus.py"


def test_words_that_are_no_names_are_found_in_the_text(place):
    context = ask("When are goods ordered from a wholesaler?", place)
    assert context.parts[0].path == "shop/stock.py"
    assert "Order goods from the wholesaler" in context.text


def test_a_class_comes_with_the_heads_of_its_members(tmp_path):
    members = "".join(f"    def member_{n}(self):\n        return {n}\n\n" for n in range(60))
    with opened(tmp_path, {"big.py": f"class Machine:\n    speed = 1\n\n{members}"}) as workspace:
        context = ask("What is Machine?", Place(workspace))
    assert "class Machine:\n" in context.text
    assert "    def member_5(self):\n…\n    def member_6(self):\n" in context.text


def test_the_files_stand_under_their_paths_and_no_line_stands_twice(place):
    context = ask("How does PriceList.round_price work?", place)
    titles = [line for line in context.text.split("\n") if line.startswith("# shop/price.py")]
    assert titles == ["# shop/price.py"]
    assert context.text.count("def round_price(self, cents):") == 1
    assert context.texts[-1].path == "shop/price.py", "the best stands last, beside the question"


def test_a_definition_that_came_in_two_goes_is_told_once(tmp_path):
    body = "".join(f"    boil(pot, {minute})  # stir the soup\n" for minute in range(70))
    with opened(tmp_path, {"soup.py": f"def cook_soup(pot):\n{body}"}) as workspace:
        context = ask("How does cook_soup stir the soup?", Place(workspace, []), room=1600)
    assert [part.why for part in context.parts if part.spans[0].start == 0] == ["defines cook_soup"]


@pytest.mark.parametrize("room", [0, 40, 100, 200, 400, 800])
def test_the_context_keeps_within_its_room_and_the_best_comes_first(place, room):
    context = ask("How does round_price work?", place, room)
    assert len(context.text) <= room
    if context.parts:
        assert context.parts[0].why == "defines round_price"


def test_the_parts_name_the_lines_that_the_text_shows(place):
    context = ask("How does round_price work?", place, 300)
    for part in context.parts:
        lines = TREE[part.path].split("\n")
        for span in part.spans:
            assert "\n".join(lines[span.start : span.stop]).strip("\n") in context.text


def test_what_the_prompt_has_already_is_not_shown_again(place):
    first = ask("How does round_price work?", place)
    shown = {text.path: text.text for text in first.texts}
    assert ask("How does round_price work?", place, shown=shown).parts == ()


def test_a_question_about_nothing_is_asked_with_nothing(place):
    assert ask("Hello!", place).texts == ask("Why?", place).texts == ()
    assert ask("", place).texts == ask("`" * 1000 + "@" * 1000, place).texts == ()


def test_a_question_about_the_project_is_asked_with_its_description(place):
    assert kinds(ask("What does this project do?", place)) == {("overview", "README.md")}


def test_a_file_that_the_question_names_is_shown_in_outline(place):
    context = ask("What is in price.py?", place)
    assert ("document", "shop/price.py") in kinds(context)
    assert "class PriceList:" in context.text


def test_what_a_rule_excludes_is_never_shown(place):
    for question in ("round_price_secretly", "What is in plan.py and generated.py?", "round_price"):
        context = ask(question, place)
        assert "secretly" not in context.text
        assert not [part for part in context.parts if part.path in ("generated.py", "private/plan.py")]


def test_a_file_that_a_rule_excludes_since_is_not_shown_though_the_index_still_has_it(tmp_path):
    with opened(tmp_path) as workspace:
        before = ask("How does round_price work?", Place(workspace))
        (workspace.root / ".midspanignore").write_text("cart.py\n")
        workspace.mark_dirty("")
        workspace.wait_until_settled(30)
        after = ask("How does round_price work?", Place(workspace))
        left = still_true(before.texts, Place(workspace))
    assert "shop/cart.py" in {text.path for text in before.texts}
    assert "shop/cart.py" not in {text.path for text in after.texts}
    assert [text.path for text in left] == [text.path for text in before.texts if text.path != "shop/cart.py"]


def test_the_rules_of_now_hold_whatever_the_index_still_has(place, monkeypatch):
    before = ask("How does round_price work?", place)
    monkeypatch.setattr(place.workspace, "may_name", lambda path: path not in ("shop/cart.py", "shop/tax.py"))
    context = ask("How does round_price work?", place)
    assert {"shop/cart.py", "shop/tax.py"} <= {text.path for text in before.texts}
    assert {"shop/cart.py", "shop/tax.py"}.isdisjoint(text.path for text in context.texts)
    assert {"shop/cart.py", "shop/tax.py"}.isdisjoint(text.path for text in still_true(before.texts, place))


def test_definitions_of_the_same_name_are_no_tests_of_it(tmp_path):
    fakes = {f"tests/fake_{n}.py": "class Fake:\n    def cook_soup(self):\n        return 2\n" for n in range(3)}
    use = {"tests/test_soup.py": "def test_soup():\n    assert cook_soup()\n"}
    with opened(tmp_path, {"soup.py": "def cook_soup():\n    return 1\n", **fakes, **use}) as workspace:
        context = ask("How does cook_soup work?", Place(workspace))
    assert {part.path for part in context.parts if part.kind == "test"} == {"tests/test_soup.py"}


@pytest.mark.parametrize("is_open", [False, True])
def test_secrets_are_masked_and_counted(place, is_open):
    asked = replace(place, documents=[document("keys.py")]) if is_open else place
    context = ask("How does connect_wholesaler work?", asked)
    assert make_placeholder(KEY) in context.text
    assert KEY not in context.text
    assert context.masked == {"aws-access-key-id": 1}


def test_an_open_document_is_shown_as_the_editor_has_it(place):
    changed = document("shop/tax.py", "def add_tax(cents):\n    return cents + 1\n")
    context = ask("How does add_tax work?", replace(place, documents=[changed]))
    assert "return cents + 1" in context.text
    assert "119" not in context.text


def test_an_open_document_that_a_rule_excludes_is_not_shown(place):
    excluded = document("private/plan.py", "def round_price(): ...\n")
    for shown in (excluded, document("generated.py")):
        context = ask("round_price", replace(place, documents=[shown], document=shown, selection=(0, 0)))
        assert shown.path not in {part.path for part in context.parts}


def at(place: Place, path: str, first: int, last: int, *, selected: bool) -> Place:
    shown = document(path)
    return replace(place, documents=[shown], document=shown, selection=(first, last), is_selected=selected)


def test_a_question_that_names_nothing_is_asked_with_the_definition_at_the_cursor(place):
    context = ask("Why?", at(place, "shop/price.py", 7, 7, selected=False))
    assert "def find_price(self, name):\n        return self.prices[name]\n" in context.text
    assert "return add_tax" not in context.text


def test_the_selection_comes_first(place):
    context = ask("How does round_price differ?", at(place, "shop/stock.py", 0, 2, selected=True))
    assert context.parts[0].kind == "selection"
    assert [*context.parts[0].spans] == [range(3)]
    assert ("definition", "shop/price.py") in kinds(context)


def test_outside_a_workspace_the_open_documents_are_known(place):
    asked = replace(at(place, "shop/price.py", 7, 7, selected=False), workspace=None)
    assert "def find_price" in ask("Why?", asked).text
    assert "# Makes the list" in ask("What does make_list do?", asked).text


def test_recent_edits_are_shown_where_the_question_is_about_them(place):
    text = TREE["shop/stock.py"].replace("return shelf", "return shelf or None")
    edit = Edit("shop/stock.py", "python", 2, ("    return shelf\n",), ("    return shelf or None\n",), 0.0)
    asked = replace(place, documents=[document("shop/stock.py", text)], edits=[edit])
    context = ask("What did I just change?", asked)
    assert kinds(context) >= {("edit", "shop/stock.py")}
    assert "return shelf or None" in context.text
    stale = ask("What did I just change?", replace(asked, documents=[document("shop/stock.py")]))
    assert ("edit", "shop/stock.py") not in kinds(stale)


def test_a_text_that_its_file_has_no_more_is_not_true(place):
    gone = ShownText("shop/tax.py", "# shop/tax.py\n", ("def add_tax(cents):\n", "    return 0\n"))
    kept = ShownText("shop/tax.py", "# shop/tax.py\n", ("def add_tax(cents):\n",))
    assert still_true([gone, kept], place) == [kept]


class TestMentions:
    def test_a_mentioned_file_is_shown_whole_and_first(self, place):
        context = ask("Is @shop/stock.py right?", place)
        assert TREE["shop/stock.py"] in context.text
        assert (context.parts[0].kind, context.parts[0].path) == ("reference", "shop/stock.py")
        assert context.unknown == ()

    @pytest.mark.parametrize("mention", ["@stock.py", "@file:shop/stock.py", '@"shop/stock.py"', "@./shop//stock.py"])
    def test_a_file_may_be_named_by_the_end_of_its_path(self, place, mention):
        assert ("reference", "shop/stock.py") in kinds(ask(f"Is {mention}?", place))

    def test_a_definition_is_shown_with_its_callers(self, place):
        context = ask("Why @PriceList.round_price?", place)
        assert kinds(context) >= {("reference", "shop/price.py"), ("caller", "shop/cart.py")}

    def test_a_definition_of_one_file(self, place):
        assert kinds(ask("@shop/tax.py#add_tax", place)) >= {("reference", "shop/tax.py")}
        assert ask("@shop/cart.py#add_tax", place).unknown == ("@shop/cart.py#add_tax",)

    @pytest.mark.parametrize("mention", ["@shop/", "@shop", "@folder:shop"])
    def test_a_folder_is_shown_by_the_heads_of_its_files(self, place, mention):
        context = ask(f"What is in {mention}?", place)
        assert kinds(context) >= {("folder", f"shop/{name}.py") for name in ("price", "tax", "cart", "stock")}
        assert "def refill_shelf(shelf):" in context.text

    def test_a_long_file_is_shown_by_its_heads_before_its_text(self, tmp_path):
        text = "".join(f"def part_{n}():\n    return {n}\n\n\n" for n in range(70))
        with opened(tmp_path, {"long.py": text}) as workspace:
            context = ask("Explain @long.py", Place(workspace), 1600)
        assert "def part_0():" in context.text
        assert "def part_69():" in context.text
        assert len(context.text) <= 1600

    def test_a_mention_that_means_nothing_is_named(self, place):
        assert ask("What are @shop/nothing.py and @nothing?", place).unknown == ("@shop/nothing.py", "@nothing")

    @pytest.mark.parametrize(
        ("mention", "why"),
        [
            ("@private/plan.py", "gitignore"),
            ("@private//plan.py", "gitignore"),
            ("@shop/../private/plan.py", "gitignore"),
            ("@generated.py", "says that it is generated"),
        ],
    )
    def test_a_mentioned_file_that_a_rule_excludes_is_refused_with_the_reason(self, place, mention, why):
        with pytest.raises(DocumentError, match=why):
            ask(f"Explain {mention}", place)

    @pytest.mark.parametrize("mention", ["@/etc/passwd", "@../outside.py", "@shop/../../outside.py"])
    def test_nothing_outside_the_workspace_is_read(self, place, mention):
        (place.workspace.root.parent / "outside.py").write_text("outside = 1\n")
        context = ask(f"Explain {mention}", place)
        assert context.unknown == (mention,)
        assert {part.path for part in context.parts} <= TREE.keys()

    def test_a_file_that_is_not_indexed_yet_is_read(self, tmp_path):
        with opened(tmp_path) as workspace:
            place = Place(workspace, [document("shop/tax.py")])
            (workspace.root / "shop/late.py").write_text("late = 1\n")
            assert "late = 1" in ask("Explain @shop/late.py", place).text
            (workspace.root / "shop/later.py").write_text(f"later = '{KEY}'\n")
            context = ask("Explain @shop/later.py", place)
        assert make_placeholder(KEY) in context.text
        assert KEY not in context.text
        assert context.masked == {"aws-access-key-id": 1}
