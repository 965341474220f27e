import re

import pytest

from lsp_server.actions.rewrites.tests_path import why_no_new_file
from tests.context.tree import write_tree
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


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"tests/test_price.py": "x = 1\n"}, r"Open tests/test_price\.py"),
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
