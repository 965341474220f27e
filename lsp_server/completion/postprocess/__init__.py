"""From what the model wrote to what is shown. When in doubt the text is kept: losing code is the worse mistake.

Each rule is a small pure function in a file of its own; `postprocess_cases` of the tests says what they are for.
"""

from lsp_server.completion.postprocess.chain import Cleaned, is_decided, postprocess

__all__ = ["Cleaned", "is_decided", "postprocess"]
