import json
from pathlib import Path

import pytest

from context.index.kept_pages import KeptPagesFolder
from context.secrets.mask_key import mask_key
from context.secrets.masking import make_placeholder
from tests.context.tree import GENERATED, KEY, write_tree
from tests.lsp_server.cli.run_fake import midspan

TREE = {
    ".git/HEAD": "ref: refs/heads/main\n",
    "shop/price.py": "def round_price(cents):\n    return cents\n",
    "cart.py": "from shop.price import round_price\n\nround_price(1)\n",
    ".gitignore": "build/\n",
    "build/out.py": "x = 1\n",
    "keys.py": f"key = '{KEY}'\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "root", TREE)


def test_index_says_what_it_did_and_does_it_once(root: Path) -> None:
    first = json.loads(midspan("index", root, "--json").stdout)
    assert (first["added"], first["files"]) == (4, 4)
    assert Path(first["database"]).stat().st_size == first["bytes"]
    again = midspan("index", root)
    assert again.stdout.startswith("4 files and 2 definitions in ")
    assert again.stdout.endswith(" s: 0 added, 0 changed, 0 removed.\n")
    assert midspan("index", root / "cart.py").returncode == 1


def test_index_forgets_the_pages_of_all_workspaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folders = [KeptPagesFolder(tmp_path / f"midspan/index/{number}.sqlite3").current() for number in range(2)]
    for folder in folders:
        assert folder is not None
        (folder / "x.pages").write_bytes(bytes(3_000_000))
    done = midspan("index", "--forget-pages")
    assert done.stdout == f"6 MB of kept pages are removed from {tmp_path / 'midspan/pages'}.\n"
    assert not any(folder.exists() for folder in folders if folder is not None)
    done = midspan("index", "--forget-pages", "--json")
    assert json.loads(done.stdout) == {"folder": str(tmp_path / "midspan/pages"), "removed_bytes": 0, "left_bytes": 0}


def test_context_show_prints_each_part_with_its_reason_score_and_tokens(root: Path) -> None:
    done = midspan("context", "show", f"{root / 'cart.py'}:3:13")
    assert done.returncode == 0, done.stderr
    title, *_ = done.stdout.splitlines()
    assert title.startswith("── shop/price.py:1 (imported from shop.price, score ")
    assert "def round_price(cents):\n    return cents\n── cart.py:1 (before the cursor, " in done.stdout
    *_, summary, begun = done.stdout.splitlines()
    assert "tokens in 3 segments" in summary
    assert begun == "'(' is not part of the prompt: the completion has to begin with it"
    assert "\x1b" not in done.stdout
    parts = json.loads(midspan("context", "show", f"{root / 'cart.py'}:3:13", "--budget", "500", "--json").stdout)
    assert (parts["budget_tokens"], parts["begins_with"]) == (500, "(")
    assert [segment["kind"] for segment in parts["segments"]] == ["snippet", "prefix", "suffix"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("cart.py", "cart.py is read: "),
        ("build/out.py", "build/out.py is not read: its folder build: .gitignore, line 1: build/"),
        (
            "keys.py",
            "keys.py is read: no rule excludes it; a placeholder stands for a secret in 1 place (aws-access-key-id)\n",
        ),
        (".git/HEAD", ".git/HEAD is not read: its folder .git: built-in rule: .git belongs to a tool"),
    ],
)
def test_context_why_names_the_rule(root: Path, path: str, words: str) -> None:
    done = midspan("context", "why", root / path)
    assert done.stdout.startswith(words)
    assert KEY not in done.stdout


def test_what_a_rule_excludes_is_not_shown(root: Path) -> None:
    write_tree(root, {"generated.py": GENERATED})
    done = midspan("context", "show", f"{root / 'generated.py'}:1:1")
    assert done.returncode == 1
    assert "generated.py is in no prompt: it says that it is generated" in done.stderr


def test_a_secret_is_shown_as_the_model_sees_it(root: Path) -> None:
    mask_key.cache_clear()  # a test with a state folder of its own may have read another key
    done = midspan("context", "show", f"{root / 'keys.py'}:2:1")
    assert f"key = '{make_placeholder(KEY)}'" in done.stdout
    assert "; placeholders stand for 1 secret (aws-access-key-id: 1)\n" in done.stdout
    assert KEY not in done.stdout + done.stderr


@pytest.mark.parametrize("budget", ["0", "-1", "many"])
def test_a_budget_that_is_no_number_of_tokens_is_refused(root: Path, budget: str) -> None:
    assert midspan("context", "show", f"{root / 'cart.py'}:1:1", "--budget", budget).returncode == 2


def test_context_why_says_what_became_of_a_file_in_the_index(root: Path) -> None:
    path = root / "slow.rs"
    path.write_text('r#"\n' * 200_000)
    assert midspan("index", root).returncode == 0
    assert "plain text, as it takes longer than" in midspan("context", "why", path).stdout
