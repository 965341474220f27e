"""The folders of a user of an older version, as the code of that version has written them.

Midspan has had no release, so there is no older wheel to install. Each archive of tests/data holds what the code of one
commit wrote: a model that it imported, a pull that was stopped, the index of the folder `shop`, counts of usage, and
every setting that there was. 67355d4 also has a conversation about `shop`, and the model of the folder `theirs`, which
the user trusts. What a file says of the home folder is replaced by HOME, and the processor has another name.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from context.index.database import index_path

HOME = "/home/someone"
COMMITS = ("e89202b", "67355d4")  # the first with a store, an index, usage and settings' files; the last before setup

_FOLDERS = {"CONFIG": ".config", "DATA": ".local/share", "STATE": ".local/state", "CACHE": ".cache"}


def unpack_state(commit: str, home: Path) -> dict[str, str]:
    """Make the user's folders in a home that is new, and return the variables that name them."""
    shutil.unpack_archive(Path(__file__).parent / f"data/state_{commit}.tar.xz", home, filter="data")
    for file in home.rglob(".*/**/*.json"):
        text = file.read_text(encoding="utf-8")
        if HOME in text:
            file.write_text(text.replace(HOME, str(home)), encoding="utf-8")
    # The index and the conversation are named by the folder that they are about.
    index = index_path(home / "shop", home / ".cache/midspan/index")
    for folder, suffix in ((index.parent, ".sqlite3"), (home / ".local/state/midspan/conversations", ".json")):
        for file in folder.glob(f"*{suffix}"):
            file.rename(file.with_name(f"{index.stem}{suffix}"))
    with closing(sqlite3.connect(home / ".local/state/midspan/usage.sqlite3")) as connection:
        connection.execute("UPDATE counts SET day = date('now', 'localtime')")  # those of long ago are dropped
        connection.commit()
    return {"HOME": str(home), **{f"XDG_{kind}_HOME": str(home / name) for kind, name in _FOLDERS.items()}}
