"""Names that a secret is given to."""

import re

# Words of the names of passwords, of keys, and of other secrets. Each may stand within a longer name.
_PASSWORDS = (
    "passw|passphrase|passcode|pwd|pswd|psw|_pass|-pass|dbpass|userpass|rootpass|adminpass|requirepass|masterauth"
)
_KEY_KINDS = (
    "api|access|secret|private|priv|auth|encrypt|encryption|decryption|signing|sign|signature|master|account|storage"
    "|service|license|jwt|ssh|app|client|session|shared|symmetric|cipher|crypto|hmac|aes|rsa|deploy|webhook|consumer"
    "|subscription|instrumentation|host|function|root|admin|user|stream|write|read|ingest|security|hash|otp|totp|vault"
    "|cookie|gpg|pgp|ssl|tls|bot|server|project|cloud|integration|salt"
)
WORDS = (
    rf"{_PASSWORDS}|secret|token|credential|creds?\b|(?:{_KEY_KINDS})[_.-]?key|\bpass\b|\bauth\b|_auth\b|oauth"
    r"|(?-i:[A-Z0-9]_KEY\b)|bearer|connection_?string|connstr|dsn\b"
)

# Names that have such a word and hold no secret: what is said about a secret, what is read by a parser or a model, what
# everybody may know.
_ABOUT = (
    "ids?|ur[il]s?|path|file|filename|dir|folder|names?|types?|kind|fields?|label|length|len|size|count|regexp?|prefix"
    "|suffix|class|style|message|error|title|text|hint|help|endpoint|expir\\w*|ttl|version|format|placeholder|input"
    "|column|table|attr|attribute|params?|parameter|headers?|cookie_name|provider|manager|service|store|source|ref|arn"
    "|policy|rules?|validators?|hasher|algorithm|alg|encoding|index|position|pos|offset|line|start|end|limit|enabled"
    "|required|budget|location|scopes?|issuer|audience|var|env|description|tag|status|state|mode|usage|uses|timeout"
    "|lifetime|generator|factory|handler|listener|callback|fn|func|selector|sha\\d*|md5|digest|checksum|chars|re|logits"
)
_ABOUT_CAMEL = (
    "Ids?|Ur[il]s?|Path|File|Name|Type|Fields?|Label|Length|Headers?|Class|Message|Error|Text|Hint|Regexp?|Algo"
)
_PARSED = (
    "pad|eos|bos|unk|sep|cls|mask|embed|special|stop|start|begin|end|next|page|prev|sync|continuation|cancel\\w*|fim|image"
    "|video|audio|invalid|wrong|bad|new_?line|comment|keyword|first|last|close|open|left|right|min|max|num|eof"
    "|punctuat\\w*|lexer|parser|syntax|ident\\w*|operator"
)
_HARMLESS = re.compile(
    rf"(?i:tokeni[sz]|(?:{_PARSED})_?-?tokens?$|[_.-](?:{_ABOUT})$"
    r"|(?:^|[_-])(?:hash|hashed|digest|sha\d*|md5|checksum|fingerprint|integrity|salted|encrypted|masked|public|pub"
    r"|regexp?|pattern)(?:[_-]|$)|csrf|xsrf|nonce)"
    r"|[a-z](?:Hash|Hashed|Digest|Sha\d*|Checksum|Fingerprint|Public|Pattern)|^Public"
    rf"|[a-z](?:{_ABOUT_CAMEL})$|^(?:OLD)?PWD$|^PASS$"
)
_ACTS = re.compile(r"(?i)^(?:set|with|use|put|add|pass|pwd|secret|token|api|auth|basic|bearer|cred)")


def is_secret_name(name: str) -> bool:
    """Return whether a name that has one of the words is the name of a secret."""
    return not _HARMLESS.search(name)


def takes_secret(function: str) -> bool:
    """Return whether a function of this name is called with a secret, such as `setPassword` and not `checkPassword`."""
    return _ACTS.match(function.rpartition(".")[2]) is not None
