"""Rules that clean the model's text before it is shown. In doubt a rule keeps the text: to lose code is worse.

Each rule is a small pure function in a file of its own; the cases in `postprocess_cases` of the tests explain it.
"""

from lsp_server.completion.postprocess.chain import Cleaned, end_of_shown, postprocess

__all__ = ["Cleaned", "end_of_shown", "postprocess"]
