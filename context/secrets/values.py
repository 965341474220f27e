"""Values that are secrets, where their place says that a secret may stand there."""

import base64
import re
from urllib.parse import unquote

from context.secrets.randomness import entropy_bits, is_placeholder, randomness_bits

FEWEST_CHARACTERS = 8
LEAST_BITS = 8.0
LEAST_BITS_IN_PROSE = 16.0
_SHORT_CHARACTERS, _LEAST_SHORT_BITS = 10, 12.0  # a short name that few know looks random too
_LONG_CHARACTERS = 12
_LEAST_BITS_WITH_SPACES = 40.0
_LEAST_BITS_A_CHARACTER = 0.35
_PASSWORD_HASH = re.compile(
    r"(?:pbkdf2|bcrypt|argon2|scrypt|sha\d*|md5|crypt|unsalted|plain)\w*\$|\$(?:\d|2[abxy]|argon2\w*|apr1|y)\$"
    r"|\{S?SHA\d*\}|!|\*[0-9A-F]{40}$"
)
# A path, a URL, a chain of names, a call, a regular expression. A password within a URL is found by itself.
_EXPRESSION = re.compile(
    r"^[A-Za-z_]\w*(?:(?:\.|::|->)[A-Za-z_]\w*)+$|^[a-z]+://(?:[^@/:]*:[^@/]*@)?[^@]*$|(?:^|/)\.{1,2}/|^~/|^@\w+$"
    r"|^\w+(?:\.\w+)*\(.*\)?$|^__\w+__$"
    r"|\.[*+]|\\[swdbSWDB]|\[\^|\(\?|[aA]-[zZ]|0-9|\]\+|^[\w./-]+:[ \w]"
)
# The name of a secret: `AZURE_API_KEY`, `x-webhook-secret`, `/oauth2/v2.0/token`.
_NAME = re.compile(r"(?i)[/._-]?(?:[a-z]*\d{0,2}[/._-])+(?:key|token|secret|passw(?:or)?d|credential|id)s?")
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[0-7]{1,3}|[\\abfnrtv])")
_NUMBER = re.compile(r"0x(?:[0-9a-fA-F]{1,16}|[0-9a-fA-F]{40})")  # of at most 64 bits, or the address of a contract
_SPELLED = str.maketrans("@0134$5!", "aoleassi")
_WEAK = re.compile(r"(?:my|the|your|pa|letmein|secret|admin|passw?o?r?d?|password|test|user|root|welcome|qwerty)+")


def is_given_secret(value: str, name: str, least_bits: float) -> bool:
    """Return whether the value that is given to a name, which is a secret's, is one."""
    plain = _ESCAPE.sub("", value)
    if not len(plain) >= FEWEST_CHARACTERS or _PASSWORD_HASH.match(value) or value.lower() in name.lower():
        return False
    if " " in value and not value.replace(" ", "").isalnum() and _bits(value) < _LEAST_BITS_WITH_SPACES:
        return False
    if _is_harmless(plain) or _EXPRESSION.search(value) or _NAME.fullmatch(value):
        return False
    if least_bits < LEAST_BITS_IN_PROSE and is_chosen_password(plain):
        return True
    if len(plain) < _SHORT_CHARACTERS:
        least_bits = max(least_bits, _LEAST_SHORT_BITS)
    return _bits(plain) >= max(least_bits, _LEAST_BITS_A_CHARACTER * len(plain)) and entropy_bits(plain) > 2.5


def is_token(value: str) -> bool:
    """Return whether the value, which stands where a token does, is one."""
    return not _is_harmless(value) and _bits(value) >= max(LEAST_BITS_IN_PROSE, _LEAST_BITS_A_CHARACTER * len(value))


def is_basic_auth(value: str) -> bool:
    """Return whether the value is a user and a real password, in Base64."""
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:  # neither Base64 nor UTF-8, or not even ASCII
        return False
    return bool(user and colon) and is_users_password(password)


def is_users_password(value: str) -> bool:
    """Return whether the value, which stands behind a user's name, is a real password."""
    value = unquote(value)
    if len(value) < FEWEST_CHARACTERS or _is_harmless(value) or _EXPRESSION.search(value):
        return False
    if is_chosen_password(value):
        return True
    if len(value) >= _LONG_CHARACTERS:
        return _bits(value) >= LEAST_BITS
    return _bits(value) >= (_LEAST_SHORT_BITS if any(map(str.isdigit, value)) else LEAST_BITS_IN_PROSE)


def is_chosen_password(value: str) -> bool:
    """Return whether the value is of all kinds of characters, as people choose passwords: letters, digits and signs.

    Two signs make up for a digit.
    """
    signs = sum(not character.isalnum() and character not in "_-./ :,()[]<>=\\{}|" for character in value)
    cases = sum(any(map(case, value)) for case in (str.islower, str.isupper))
    if not signs or not cases or " " in value:
        return False
    return any(map(str.isdigit, value)) or (signs > 1 and cases > 1 and len(value) >= _SHORT_CHARACTERS)


def _is_harmless(value: str) -> bool:
    """Return whether the value stands for a secret, is a number, or is a password of which everybody knows."""
    spelled = value.lower().translate(_SPELLED).rstrip("0123456789oleasi!.")
    is_number = not any(map(str.isalpha, value)) or _NUMBER.fullmatch(value) is not None
    return is_number or is_placeholder(value) or _WEAK.fullmatch(spelled) is not None


def _bits(value: str) -> float:
    """Return the randomness; letters in capitals alone are read as words in small letters too."""
    return min(randomness_bits(value), randomness_bits(value.lower())) if value.isupper() else randomness_bits(value)
