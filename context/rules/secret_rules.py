"""Finds secrets by the name of a file and by its text.

A file that is taken for a secret by mistake costs a little context; a secret that is missed cannot be taken back.
Placeholders ("your-api-key-here", "changeme") and names ("settings.api_token") are no secrets: every README has some.
"""

import math
import re
from collections import Counter
from fnmatch import translate
from string import ascii_uppercase

_SECRET_NAMES = """
.env .env.* *.env .envrc .netrc _netrc .npmrc .pypirc .pgpass .my.cnf .htpasswd .git-credentials
.dockercfg .s3cfg .boto .vault-token credentials credentials.* *.credentials client_secret*.json
service-account*.json service_account*.json secrets.* secret.* *.secret *.secrets kubeconfig
id_rsa id_dsa id_ecdsa id_ed25519 *_rsa *_ed25519 *.pem *.key *.p8 *.p12 *.pfx *.pkcs12 *.jks
*.keystore *.kdb *.kdbx *.ppk *.crt *.cer *.der *.csr *.gpg *.asc *.ovpn *.tfstate *.tfstate.*
*.tfvars *.mobileprovision .terraformrc terraform.rc
"""
# Source code and examples, which only have such a name.
_HARMLESS_NAMES = """
*.py *.pyi *.js *.jsx *.ts *.tsx *.go *.rs *.java *.c *.h *.cc *.cpp *.hpp *.cs *.rb *.php *.kt
*.swift *.md *.rst *.html *.example *.sample *.template *.dist
"""
_SECRET_NAME = re.compile("|".join(f"({translate(name)})" for name in _SECRET_NAMES.split()))
_HARMLESS_NAME = re.compile("|".join(map(translate, _HARMLESS_NAMES.split())))
_FOLDERS = {".aws", ".ssh", ".gnupg", ".kube", ".docker", ".azure", ".gcloud"}

# A string that every token of a known kind holds -> the pattern of the whole token.
_TOKENS = {
    "PRIVATE KEY-----": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----(?:\\n|\s)+[A-Za-z0-9+/=]{24,}",
    "AKIA": r"\bAKIA[0-9A-Z]{16}\b",
    "ASIA": r"\bASIA[0-9A-Z]{16}\b",
    "ghp_": r"\bghp_[A-Za-z0-9]{36}\b",
    "gho_": r"\bgho_[A-Za-z0-9]{36}\b",
    "ghs_": r"\bghs_[A-Za-z0-9]{36}\b",
    "github_pat_": r"\bgithub_pat_[A-Za-z0-9_]{60,}\b",
    "glpat-": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "xox": r"\bxox[abeoprs]-[0-9A-Za-z-]{20,}",
    "hooks.slack.com": r"hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{20,}",
    "sk-": r"\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{32,}",
    "sk_live_": r"\b[rs]k_live_[A-Za-z0-9]{20,}",
    "AIza": r"\bAIza[0-9A-Za-z_-]{35}\b",
    "npm_": r"\bnpm_[A-Za-z0-9]{36}\b",
    "pypi-": r"\bpypi-AgEI[A-Za-z0-9_-]{50,}",
    "hf_": r"\bhf_[A-Za-z0-9]{34}\b",
    "SG.": r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b",
    "eyJ": r"\beyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    "://": r"\b[a-z][a-z0-9+]{2,15}://[^\s:/@'\"<>{}$%*]{1,64}:(?P<value>[^\s:/@'\"<>{}$%*]{8,})@[\w.-]+",
}
_TOKEN_PATTERNS = {part: re.compile(pattern) for part, pattern in _TOKENS.items()}
_KEY_NAMES = (
    *("password", "passwd", "passphrase", "secret", "token", "credential"),
    *(kind + dash + "key" for kind in ("api", "access", "private", "auth") for dash in ("", "_", "-")),
)
# The pattern begins at the key's name.
_ASSIGNMENT = re.compile(
    r"""(?P<name>[\w-]+)['"]?\]?\s*(?::=|[:=])\s*(?P<quote>['"])(?P<value>[\w+/=.~-]{16,512})(?P=quote)"""
)
_PLACEHOLDER = re.compile(
    r"example|sample|placeholder|changeme|change[-_]me|dummy|fake|your[-_]|xxxx|\*{3}|1234567|abcdef"
    r"|<[^>]+>|\$\{|\{\{|%\(|test",
    re.IGNORECASE,
)
_ASCII_LOWER = {ord(letter): letter.lower() for letter in ascii_uppercase}
_MIN_ENTROPY_BITS = 3.5  # a character; English words and identifiers have less, random base64 has more


def secret_by_name(path: str) -> str | None:
    """Return the rule that takes the path (from the root, with "/") for a secret, or None."""
    *folders, name = path.split("/")
    for folder in folders:
        if folder in _FOLDERS:
            return f"{folder}/ holds credentials"
    name = name.lower()
    if _HARMLESS_NAME.match(name) or not (match := _SECRET_NAME.match(name)):
        return None
    pattern = _SECRET_NAMES.split()[(match.lastindex or 1) - 1]
    return f"its name ({pattern}) says that it holds secrets"


def secret_in_text(text: str) -> str | None:
    """Return the kind and the line of a secret in the text, without the secret itself, or None."""
    for part, pattern in _TOKEN_PATTERNS.items():
        if part not in text:
            continue
        for match in pattern.finditer(text):
            value = match.groupdict().get("value") or match.group()
            if not _PLACEHOLDER.search(value) and (part != "://" or _is_random(value)):
                return f"line {_line(text, match.start())} holds what looks like a token or key ({part}…)"
    lowered = text.lower()
    if len(lowered) != len(text):  # some letters of other alphabets become two
        lowered = text.translate(_ASCII_LOWER)
    for name in _KEY_NAMES:
        start = lowered.find(name)
        while start >= 0:
            assignment = _ASSIGNMENT.match(text, start)
            if assignment and _is_random(assignment["value"]):
                return f"line {_line(text, start)} gives {assignment['name']} a value of high entropy"
            start = lowered.find(name, start + 1)
    return None


def _is_random(value: str) -> bool:
    """Tell whether the value is random characters and no words of a person."""
    if len(re.findall(r"\d", value)) < 2 or not re.search(r"[A-Za-z]", value) or _PLACEHOLDER.search(value):
        return False
    counts = Counter(value).values()
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
    return entropy >= min(_MIN_ENTROPY_BITS, 0.85 * math.log2(len(value)))


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
