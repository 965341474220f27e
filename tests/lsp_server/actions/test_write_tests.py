import re
from pathlib import Path
from typing import Any

import pytest

from context.documents.document import Document, language_of
from lsp_server.actions.rewrites.new_tests import check_tests
from lsp_server.actions.rewrites.tests_path import why_no_new_file
from tests.context.tree import write_tree
from tests.fake_engine import FakeEngine
from tests.lsp_server.actions.actions_client import actions_at, applied, resolve
from tests.lsp_server.actions.chat_client import TESTS, TEXT, edit_params, editor_for
from tests.lsp_server.client import ResponseError


async def test_tests_go_into_a_new_file_of_the_workspace(editor, models, root, uri):
    models.answer = "```python\ndef test_double():\n    assert double(2) == 4\n```"
    edit = (await resolve(editor, (await actions_at(editor, (4, 0), uri=uri))[TESTS]))["edit"]
    make, change = edit["documentChanges"]
    new = (root / "tests/test_price.py").as_uri()
    assert (make["kind"], make["uri"], make["options"]) == ("create", new, {"overwrite": False})
    assert change["textDocument"] == {"uri": new, "version": None}
    assert [one["newText"] for one in change["edits"]] == ["def test_double():\n    assert double(2) == 4\n"]
    assert not (root / "tests").exists()  # only the editor creates it


async def test_tests_are_added_to_an_open_file(editor, models, root, uri):
    write_tree(root, {"tests/test_price.py": "import shop\n"})
    other = (root / "tests/test_price.py").as_uri()
    await editor.open("import shop\n", other)
    models.answer = "```python\ndef test_double(): ...\n```"
    result = await editor.request("midspan/answer", edit_params(uri, (4, 0), (4, 0), kind="tests"))
    assert applied("import shop\n", result["edit"], other) == "import shop\n\n\ndef test_double(): ...\n"
    assert "import shop" in models.asked


THERE = "from shop.price import double, other\n\n\ndef test_double():\n    assert double(2) == 4\n"
NEW = "def test_other():\n    assert other() == 1"


def block(code: str) -> str:
    return f"```python\n{code}\n```"


async def write_tests(models, root: Path, uri: str, there: str | None = THERE, **options: Any) -> dict[str, Any]:
    """Return what the client is answered, with the file of tests on the disk and not open."""
    write_tree(root, {"tests/test_price.py": there} if there is not None else {})
    editor = await editor_for(models, root, **options)
    await editor.open(TEXT, uri)
    result = await editor.request("midspan/answer", edit_params(uri, (4, 0), (4, 0), kind="tests"))
    messages = [one["params"] for one in editor.messages_so_far() if one["method"] == "window/showMessage"]
    await editor.request("shutdown")
    return {**result, "messages": messages}


def warning_of(edit: dict[str, Any]) -> str:
    annotation = edit["changeAnnotations"]["midspan"]
    assert annotation["needsConfirmation"] == bool(annotation.get("description"))
    return annotation.get("description") or ""


async def test_tests_are_added_to_a_file_of_the_disk_that_is_not_open(models, root, uri):
    models.answer = block(NEW)
    edit = (await write_tests(models, root, uri))["edit"]
    other = (root / "tests/test_price.py").as_uri()
    assert applied(THERE, edit, other) == f"{THERE}\n\n{NEW}\n"
    assert edit["documentChanges"][0]["textDocument"] == {"uri": other, "version": None}
    assert warning_of(edit) == ""
    assert "from shop.price import double, other" in models.asked  # the model sees the file's end
    assert "write others: test_double." in models.asked
    assert (root / "tests/test_price.py").read_text() == THERE  # only the editor changes it


@pytest.mark.parametrize("there", [None, THERE])
async def test_the_edit_names_the_file_below_the_folder_that_the_editor_has_open_also_if_that_is_a_link(
    models, root, tmp_path, there
):
    (tmp_path / "link").symlink_to(root)
    models.answer = block(NEW)
    edit = (await write_tests(models, tmp_path / "link", (tmp_path / "link/shop/price.py").as_uri(), there))["edit"]
    assert edit["documentChanges"][-1]["textDocument"]["uri"] == (tmp_path / "link/tests/test_price.py").as_uri()


async def test_a_file_that_changes_on_the_disk_meanwhile_is_not_changed(models, root, uri):
    def change_and_answer(_before, _after):
        (root / "tests/test_price.py").write_text("x = 1\n")
        return block(NEW)

    models.chat = FakeEngine(change_and_answer)
    with pytest.raises(ResponseError, match=r"tests/test_price\.py was changed meanwhile"):
        await write_tests(models, root, uri)


SAME = "def test_double():\n    assert double(2) == 4"
OTHER_BODY = "def test_double():\n    assert double(0) == 0"


@pytest.mark.parametrize("repeated", [SAME, OTHER_BODY, f"@pytest.mark.slow\n{SAME}", f"# Doubles.\n{SAME}"])
async def test_a_test_that_is_there_already_is_left_out_and_the_user_is_told_which(models, root, uri, repeated):
    models.answer = block(f"from shop.price import double, other\n\n\n{repeated}\n\n\n{NEW}")
    result = await write_tests(models, root, uri)
    assert result["text"] == NEW
    assert applied(THERE, result["edit"], (root / "tests/test_price.py").as_uri()) == f"{THERE}\n\n{NEW}\n"
    assert warning_of(result["edit"]) == "it leaves out test_double, which tests/test_price.py has already"


async def test_a_client_that_cannot_ask_for_confirmation_is_told_in_a_message(models, root, uri):
    models.answer = block(f"{SAME}\n\n\n{NEW}")
    (message,) = (await write_tests(models, root, uri, capabilities={}))["messages"]
    assert message["message"].startswith("Write tests in tests/test_price.py: it leaves out test_double, which")


async def test_tests_that_are_all_there_already_change_nothing_and_are_named(models, root, uri):
    models.answer = block(f"from shop.price import double, other\n\n\n{SAME}")
    reason = r"Nothing is changed: the model wrote only what tests/test_price\.py has already: test_double"
    with pytest.raises(ResponseError, match=reason):
        await write_tests(models, root, uri)


@pytest.mark.parametrize(
    ("there", "code", "warning"),
    [
        (THERE, f"app = Shop(config)\n\n\n{NEW}", "it uses Shop, config, which nothing defines"),
        (None, NEW, "it uses other, which nothing defines"),
        (None, f"def other():\n    return 1\n\n\n{NEW}", "it repeats other of shop/price.py"),
        (THERE, "def test_other(:\n    assert other() == 1", "it does not parse"),
        (THERE, "def test_other():\n    # ...", "it leaves code out, it does not parse"),
        (THERE, "@pytest.mark.slow\ndef test_other(cart, *, n=1):\n    pass", "it uses pytest, which nothing defines"),
    ],
)
async def test_doubtful_tests_need_confirmation(models, root, uri, there, code, warning):
    models.answer = block(code)
    assert warning_of((await write_tests(models, root, uri, there))["edit"]) == warning


@pytest.mark.parametrize(
    ("path", "there", "code", "kept", "names"),
    [
        (
            "a.test.ts",
            'import { f } from "./a";\n\ntest("adds", () => {\n  f(1);\n});\n',
            'import { f } from "./a";\n\ntest("adds", () => {\n  f(2);\n});\n\ntest("takes", () => {\n  f(3);\n});',
            'test("takes", () => {\n  f(3);\n});',
            "adds",
        ),
        (
            "a_test.go",
            "package a\n\nfunc TestF(t *testing.T) {\n\tf()\n}\n",
            "package a\n\nfunc TestF(t *testing.T) {\n\tf()\n}\n\nfunc TestG(t *testing.T) {\n\tg()\n}",
            "func TestG(t *testing.T) {\n\tg()\n}",
            "TestF",
        ),
        (
            "test_a.py",
            "class TestA:\n    def test_f(self):\n        pass\n",
            "class TestA:\n    def test_f(self):\n        assert True\n\n\ndef test_g():\n    pass",
            "def test_g():\n    pass",
            "TestA",
        ),
    ],
)
def test_tests_are_known_by_their_names_in_each_language(path, there, code, kept, names):
    language = language_of(path)
    found = check_tests(code, Document(path, there, language, 0), Document("a", "", language, 0))
    assert (found.code, found.warning) == (kept, f"it leaves out {names}, which {path} has already")


def test_a_class_with_new_methods_is_kept() -> None:
    there = "class TestA:\n    def test_f(self):\n        pass\n"
    code = "class TestA:\n    def test_g(self):\n        pass"
    found = check_tests(code, Document("test_a.py", there, "python", 0), Document("a.py", "", "python", 0))
    assert (found.code, found.warning) == (code, "it defines TestA again")


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            {"tests/test_price.py": "x = 1\0\n"},
            r"The tests go to tests/test_price\.py, which is in no prompt: it is binary",
        ),
        ({".gitignore": "tests\n"}, "gitignore"),
        ({"tests": ""}, "link"),
    ],
)
async def test_without_a_place_for_tests_the_disabled_action_says_what_to_do(models, root, uri, files, reason):
    if "tests" in files:
        (root / "tests").symlink_to(root.parent)
    else:
        write_tree(root, files)
    editor = await editor_for(models, root)
    await editor.open(TEXT, uri)
    action = (await actions_at(editor, (4, 0), uri=uri))[TESTS]
    assert re.search(reason, action["disabled"]["reason"])
    with pytest.raises(ResponseError, match=reason):
        await editor.request("midspan/answer", edit_params(uri, (4, 0), (4, 0), kind="tests"))
    assert not models.chat.requests
    await editor.request("shutdown")


@pytest.mark.parametrize("path", ["there.py", "dangling.py", "../outside.py", "/etc/cron.d/x", "linked/new.py", ".env"])
def test_an_existing_outside_or_excluded_file_is_no_place_for_tests(tmp_path, path):
    root = write_tree(tmp_path / "root", {"there.py": ""})
    (root / "dangling.py").symlink_to(tmp_path / "target.py")
    (root / "linked").symlink_to(tmp_path)
    assert why_no_new_file(root, path)
    assert not why_no_new_file(root, "tests/test_new.py")
