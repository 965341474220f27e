"""Languages: their names (as editors send them), their file names and their comments."""

import re
from pathlib import PurePosixPath

PLAIN_TEXT = "plaintext"

# The name that editors use -> the suffixes and the whole names of its files.
_FILES: dict[str, str] = {
    "ada": ".adb .ads",
    "bat": ".bat .cmd",
    "c": ".c .h",
    "clojure": ".clj .cljc .cljs .edn",
    "cmake": ".cmake CMakeLists.txt",
    "cpp": ".cc .cpp .cxx .c++ .hh .hpp .hxx .h++ .inl .ipp .tpp",
    "csharp": ".cs .csx",
    "css": ".css",
    "cuda": ".cu .cuh",
    "dart": ".dart",
    "dockerfile": ".dockerfile Dockerfile Containerfile",
    "elixir": ".ex .exs",
    "elm": ".elm",
    "emacs-lisp": ".el",
    "erlang": ".erl .hrl",
    "fortran": ".f .f77 .f90 .f95 .f03 .f08 .for",
    "fsharp": ".fs .fsi .fsx",
    "go": ".go",
    "go.mod": "go.mod",
    "graphql": ".graphql .gql",
    "groovy": ".groovy .gradle Jenkinsfile",
    "haskell": ".hs .lhs",
    "html": ".html .htm .xhtml",
    "ini": ".ini .cfg .conf .properties .editorconfig",
    "java": ".java",
    "javascript": ".js .cjs .mjs",
    "javascriptreact": ".jsx",
    "json": ".json .jsonc .json5",
    "julia": ".jl",
    "kotlin": ".kt .kts",
    "latex": ".tex .sty .cls",
    "less": ".less",
    "lisp": ".lisp .lsp .cl",
    "lua": ".lua",
    "makefile": ".mk .mak Makefile makefile GNUmakefile",
    "markdown": ".md .markdown .mdx",
    "matlab": ".m",
    "nim": ".nim",
    "nix": ".nix",
    "objective-cpp": ".mm",
    "ocaml": ".ml .mli",
    "pascal": ".pas .pp",
    "perl": ".pl .pm",
    "php": ".php",
    "powershell": ".ps1 .psm1 .psd1",
    "proto": ".proto",
    "python": ".py .pyi .pyw",
    "r": ".r",
    "restructuredtext": ".rst",
    "ruby": ".rb .rake .gemspec Gemfile Rakefile",
    "rust": ".rs",
    "scala": ".scala .sc",
    "scheme": ".scm .ss",
    "scss": ".scss .sass",
    "shellscript": ".sh .bash .zsh .ksh .fish .bashrc .zshrc .profile",
    "sql": ".sql",
    "svelte": ".svelte",
    "swift": ".swift",
    "terraform": ".tf .tfvars .hcl",
    "toml": ".toml",
    "typescript": ".ts .cts .mts",
    "typescriptreact": ".tsx",
    "vb": ".vb .vbs",
    "verilog": ".v .sv .svh",
    "vhdl": ".vhd .vhdl",
    "vim": ".vim .vimrc",
    "vue": ".vue",
    "xml": ".xml .svg .xsd .xsl .xslt .plist",
    "yaml": ".yaml .yml",
    "zig": ".zig",
}

# The marks before and after the text of a one-line comment -> the languages that have them. The second names of a
# language are those of Neovim and Emacs.
_COMMENTS: dict[tuple[str, str], tuple[str, ...]] = {
    ("# ", ""): (
        "cmake conf dockerfile elixir graphql hcl ini julia make makefile nim nix perl plaintext",
        "powershell ps1 python r restructuredtext rst ruby terraform toml yaml",
        "sh bash zsh fish shellscript",
    ),
    ("// ", ""): (
        "c c++ cpp cs csharp cuda dart fsharp go go.mod gomod groovy java javascript",
        "javascriptreact json jsonc kotlin less objc objective-c objective-cpp pascal php proto",
        "rust scala scss swift systemverilog typescript typescriptreact verilog zig",
    ),
    ("-- ", ""): ("ada elm haskell lua sql vhdl",),
    (";; ", ""): ("clojure elisp emacs-lisp lisp scheme",),
    ("% ", ""): ("erlang latex matlab plaintex tex",),
    ("! ", ""): ("fortran",),
    ("' ", ""): ("vb",),
    ('" ', ""): ("vim",),
    ("REM ", ""): ("bat dosbatch",),
    ("<!-- ", " -->"): ("html markdown svelte svg vue xml",),
    ("/* ", " */"): ("css",),
    ("(* ", " *)"): ("ocaml",),
}

# The marks that open and close a comment of several lines -> the languages that have them.
_BLOCK_COMMENTS: dict[tuple[str, str], str] = {
    ("/*", "*/"): (
        "c c++ cpp cs csharp css cuda dart go groovy hcl java javascript javascriptreact jsonc kotlin less nix objc "
        "objective-c objective-cpp php proto rust scala scss sql svelte swift systemverilog terraform typescript "
        "typescriptreact verilog vue"
    ),
    ("<!--", "-->"): "html markdown svelte svg vue xml",
    ("--[[", "]]"): "lua",
    ("{-", "-}"): "elm haskell",
    ("(*", "*)"): "fsharp ocaml pascal",
    ("#|", "|#"): "lisp scheme",
    ("#=", "=#"): "julia",
    ("<#", "#>"): "powershell ps1",
}
# Languages whose line above a file in a prompt is no comment of theirs, or has another mark than most of theirs.
_OTHER_LINE_MARKS = {"json": None, "plaintext": None, "restructuredtext": None, "rst": None} | dict.fromkeys(
    ("clojure", "elisp", "emacs-lisp", "lisp", "scheme"), ";"
)

_LANGUAGE_OF_NAME = {name: language for language, names in _FILES.items() for name in names.split()}
_COMMENT_OF_LANGUAGE = {
    language: around for around, languages in _COMMENTS.items() for language in " ".join(languages).split()
}
# A line that no header of C has, outside comments.
_OF_CPP = re.compile(
    r"^[ \t]*(?:(?:class|namespace)[ \t]+(?:[A-Z_]+[ \t]+)?[\w:]+(?:[ \t]+final)?[ \t]*(?:[:{;]|$)|template[ \t]*<"
    r"|(?:public|private|protected)[ \t]*:|using[ \t]+(?:namespace\b|\w+[ \t]*(?:=|::))"
    r"|#[ \t]*include[ \t]*<[a-z_]+>)",
    re.MULTILINE,
)
# The characters that would end the comment's line, or cannot be encoded.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")


def language_of(path: str) -> str:
    """Return the language of a file by its name; `PLAIN_TEXT` when the name says nothing."""
    name = PurePosixPath(path.replace("\\", "/")).name
    if name in _LANGUAGE_OF_NAME:
        return _LANGUAGE_OF_NAME[name]
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    return _LANGUAGE_OF_NAME.get(suffix, PLAIN_TEXT)


def language_of_text(path: str, text: str) -> str:
    """Return the language of a file by its name and, where two languages have headers of such a name, its text."""
    is_header = path.endswith(".h") and _OF_CPP.search(text) is not None
    return "cpp" if is_header else language_of(path)


def path_comment(language: str, path: str) -> str:
    """Return the line that stands before a file in a prompt, e.g. "# flask/app.py" and its newline.

    The model learned to read files that are joined under such lines. The comment is one line whatever the path is.
    """
    before, after = _COMMENT_OF_LANGUAGE.get(language, ("# ", ""))
    return f"{before}{_UNPRINTABLE.sub('?', path)}{after}\n"


def line_comment(language: str) -> str | None:
    """Return the mark that begins a comment up to the line's end, e.g. "#"; None for a language without one."""
    if language in _OTHER_LINE_MARKS:
        return _OTHER_LINE_MARKS[language]
    before, after = _COMMENT_OF_LANGUAGE.get(language, ("", ""))
    return None if after else before.rstrip() or None


def block_comment(language: str) -> tuple[str, str] | None:
    """Return the marks that open and close a comment of any length; None for a language without them."""
    return next((marks for marks, languages in _BLOCK_COMMENTS.items() if language in languages.split()), None)
