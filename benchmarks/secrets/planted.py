"""The labelled set: forms of secrets, with values that a seed gives, so that no secret is written in the repository."""

import base64
import json
import random
import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PLANTED, HARMLESS = (Path(__file__).with_name(f"{name}_forms.txt") for name in ("planted", "harmless"))
_MARK = re.compile(r"«(\w+) (\d+)»")
_WORDS = string.ascii_letters + string.digits
_ALPHABETS = {
    "alnum": _WORDS,
    "letters": string.ascii_letters,
    "upper": string.ascii_uppercase + string.digits,
    "digits": string.digits,
    "hex": "0123456789abcdef",
    "hexlower": "0123456789abcdef",
    "base64": _WORDS + "+/",
    "base32": string.ascii_uppercase + "234567",
    "bech32": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
    "password": _WORDS + "$@!&%#*",
    "django": string.ascii_lowercase + string.digits + "!@#$%^&*(-_=+)",
    "wordpress": _WORDS + "!@#$%^&*()-_ []~+=,.;:/?|",
}
_JWT_HEADER = {"alg": "HS256", "typ": "JWT"}


@dataclass(frozen=True)
class PlantedText:
    """The text of one form in a file of this name, and the secrets in it."""

    path: str
    text: str
    secrets: tuple[str, ...]


def read_forms(file: Path, seed: int) -> Iterator[PlantedText]:
    """Yield the forms of a file, each with values of its own."""
    rng = random.Random(seed)
    sections = re.split(r"^==== (\S+)\n", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for path, section in zip(sections[1::2], sections[2::2], strict=True):
        for form in re.split(r"^--\n", section, flags=re.MULTILINE):
            yield _fill(path, form, rng)


def _fill(path: str, form: str, rng: random.Random) -> PlantedText:
    secrets: list[str] = []

    def give(mark: re.Match[str]) -> str:
        value = _value(mark[1], int(mark[2]), rng)
        secrets.extend(value.split("\n"))
        return value

    return PlantedText(path, _MARK.sub(give, form), tuple(secrets))


def _value(kind: str, length: int, rng: random.Random) -> str:
    if kind == "pem":
        return "\n".join(_value("base64", 64, rng) for _ in range(length))
    if kind == "userpass":
        return base64.b64encode(f"deploy:{_value('alnum', length, rng)}".encode()).decode()
    if kind == "jwt":
        payload = {"sub": _value("alnum", 12, rng), "exp": rng.randrange(10**9, 2 * 10**9)}
        return ".".join((_jwt_part(_JWT_HEADER), _jwt_part(payload), _value("alnum", 43, rng)))
    while True:  # not one that would mean something else where it stands without quotes
        value = "".join(rng.choices(_ALPHABETS[kind], k=length))
        if value == value.strip() and value[0] not in "#&*!%@$(-" and value[-1] not in "#%;,":
            return value


def _jwt_part(data: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(data, separators=(",", ":")).encode()).decode().rstrip("=")


def unmasked(form: PlantedText, masked_text: str) -> list[str]:
    """Return the secrets of a form of which a text still shows the first or the last half, or 8 characters."""
    shown = []
    for secret in form.secrets:
        length = max(len(secret) // 2, 8)  # fewer characters would be found in other random text
        if secret[:length] in masked_text or secret[-length:] in masked_text:
            shown.append(secret)
    return shown
