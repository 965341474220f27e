"""`python -m lsp_server.cli` is `midspan`."""

import sys

from lsp_server.cli.main import main

sys.exit(main())
