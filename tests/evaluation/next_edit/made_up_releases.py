"""Two successive releases of a made-up package: a renamed function, a new parameter and a repeated change."""

from evaluation.next_edit.cases import diff_files
from evaluation.next_edit.hunks import FileDiff
from evaluation.next_edit.release_folder import Texts

OLD_TOOLS = '''"""Tools."""


def read_row(text):
    """Call read_row with a line."""
    return text.split(",")


def total(rows):
    first = int(rows[0][1])
    second = int(rows[1][1])
    print(first, second)
    return first + second


def report(rows):
    print("a")
    value = total(rows)
    return value
'''
NEW_TOOLS = '''"""Tools."""


def split_row(text):
    """Call read_row with a line."""
    return text.split(",")


def total(rows, start):
    first = float(rows[0][1])
    print("a")
    second = float(rows[1][1])
    print(first, second)
    return first + second


def report(rows):
    print("a")
    value = total(rows, 0)
    return value
'''
OLD_MAIN = """from package.tools import read_row, total

rows = [read_row(line) for line in open("rows")]
print("read_row")
print(total(rows))
"""
NEW_MAIN = """from package.tools import split_row, total

rows = [split_row(line) for line in open("rows")]
print("read_row")
print(total(rows, 0))
"""
NAME = "package 1.0..1.1"
SAME = {"package/__init__.py": "", "package/other.py": "VALUE = 1\n"}
OLD = {**SAME, "package/main.py": OLD_MAIN, "package/tools.py": OLD_TOOLS, "package/gone.py": "GONE = 1\n"}
NEW = {**SAME, "package/main.py": NEW_MAIN, "package/tools.py": NEW_TOOLS, "package/added.py": "ADDED = 1\n"}


def made_up_texts() -> Texts:
    return Texts(NAME, "python", OLD, NEW)


def made_up_diffs() -> dict[str, FileDiff]:
    return diff_files(OLD, NEW, "python")
