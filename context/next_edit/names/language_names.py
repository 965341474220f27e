"""The names and words that every file of a language has."""

import builtins
import re

SCRIPTS = ("javascript", "javascriptreact", "typescript", "typescriptreact")
C_LANGUAGES = ("c", "cpp", "cuda")
# What every script has, from the language or from a browser; a workspace may have such a name too.
_OF_SCRIPTS = re.compile(
    r"(?:Readonly)?(?:Array|Map|Set)|(?:Type|Range)?Error|Date|Promise|Proxy|Reflect|Object|String|Number|Boolean|Symbol"
    r"|Function|RegExp|BigInt|JSON|Math|Intl|WeakMap|WeakSet|ArrayBuffer|URL|Record|Partial|Required|Readonly|Pick|Omit"
    r"|Exclude|Extract|NonNullable|NoInfer|Parameters|ReturnType|Awaited|Iterable|Iterator|Generator|(?:HTML\w*)?Element"
    r"|Document|Window|Node|Event|EventTarget|Request|Response|Headers|console|process|globalThis|window|document"
)
_WORDS_OF_SCRIPTS = re.compile(
    r"this|super|const|let|var|function|class|interface|enum|extends|implements|new|delete|typeof|instanceof|keyof|void|in"
    r"|if|else|for|while|do|switch|case|default|break|continue|return|throw|try|catch|finally|import|export|await|yield"
    r"|public|private|protected|static|readonly|abstract|null|undefined|true|false|string|number|boolean|any|unknown|never"
)
_OF_GO = re.compile(
    r"break|case|chan|const|continue|default|defer|else|fallthrough|for|func|go|goto|if|import|interface|map|package|range"
    r"|return|select|struct|switch|type|var|nil|true|false|iota|append|cap|clear|close|copy|delete|len|make|max|min|new"
    r"|panic|print|println|recover|any|bool|byte|error|rune|string|uintptr|u?int(?:8|16|32|64)?|float(?:32|64)"
    r"|complex(?:64|128)"
)


def is_of_language(name: str, language: str) -> bool:
    """Return whether a file has the name without a definition or an import, or the language has it as a word."""
    if language == "python":
        return hasattr(builtins, name)
    if language == "go":
        return _OF_GO.fullmatch(name) is not None
    is_known = _OF_SCRIPTS.fullmatch(name) or _WORDS_OF_SCRIPTS.fullmatch(name)
    return language in SCRIPTS and is_known is not None
