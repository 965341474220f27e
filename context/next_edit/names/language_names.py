"""The names that every file of a language has."""

import builtins
import re

SCRIPTS = ("javascript", "javascriptreact", "typescript", "typescriptreact")
# What every script has, from the language or from a browser; a workspace may have such a name too.
_OF_SCRIPTS = re.compile(
    r"(?:Readonly)?(?:Array|Map|Set)|(?:Type|Range)?Error|Date|Promise|Proxy|Reflect|Object|String|Number|Boolean|Symbol"
    r"|Function|RegExp|BigInt|JSON|Math|Intl|WeakMap|WeakSet|ArrayBuffer|URL|Record|Partial|Required|Readonly|Pick|Omit"
    r"|Exclude|Extract|NonNullable|NoInfer|Parameters|ReturnType|Awaited|Iterable|Iterator|Generator|(?:HTML\w*)?Element"
    r"|Document|Window|Node|Event|EventTarget|Request|Response|Headers|console|process|globalThis|window|document"
)


def is_of_language(name: str, language: str) -> bool:
    """Return whether a file has the name without a definition or an import."""
    if language == "python":
        return hasattr(builtins, name)
    return language in SCRIPTS and _OF_SCRIPTS.fullmatch(name) is not None
