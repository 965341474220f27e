"""`midspan serve` on a machine where the import of torch never comes to an end."""

import sys
import threading
from importlib.abc import MetaPathFinder

from lsp_server.cli.main import main


class Stuck(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            threading.Event().wait()


if __name__ == "__main__":
    sys.meta_path.insert(0, Stuck())
    sys.exit(main(["serve", "--standalone"]))
