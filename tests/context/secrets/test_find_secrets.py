import time
from random import Random

import pytest

from benchmarks.secrets.planted import HARMLESS, PLANTED, PlantedText, read_forms, unmasked
from context.secrets.find_secrets import find_secrets
from context.secrets.masking import mask_text

FORMS = list(read_forms(PLANTED, seed=1))
LONG_S = 5.0  # the old expressions took many times as long; only a hang takes it


def test_the_labelled_set_is_as_large_as_it_says() -> None:
    assert len(FORMS) >= 200
    assert len({form.path for form in FORMS}) >= 25


def test_nearly_all_planted_secrets_are_found() -> None:
    secrets = sum(len(form.secrets) for form in FORMS)
    missed = [secret for form in FORMS for secret in unmasked(form, mask_text(form.text, form.path)[0])]
    assert len(missed) <= 0.03 * secrets


@pytest.mark.parametrize("form", list(read_forms(HARMLESS, seed=1)), ids=lambda form: form.path)
def test_forms_that_only_look_like_secrets_are_none(form: PlantedText) -> None:
    assert [(form.text[f.start : f.end], f.rule) for f in find_secrets(form.text, form.path)] == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.md", "eyJ-" * 150_000),
        ("a.txt", "token" * 8_000),
        ("a.py", "token " * 100_000),
        ("a.yaml", "password=" * 60_000),
        ("a.py", "password='" * 60_000),
        ("a.ini", "secret: " * 60_000),
        ("a.js", "api_key = (" * 50_000),
        ("a.env", "://a:" * 100_000),
        ("a.yaml", "kind: Secret\ndata:\n" * 30_000),
        ("a.yaml", "kind: Secret\n---\n" * 30_000),
        ("a.pem.txt", "-----BEGIN PRIVATE KEY-----" * 20_000),
        ("a.txt", "bearer " + "a" * 600_000),
        ("a.env", "secret=aB3dE" * 50_000),
        ("a.yaml", "token: " + "aB3" * 200_000),
        ("a.tf", 'variable "db_password" {' + " " * 600_000),
    ],
)
def test_a_hostile_text_takes_no_long_time(path: str, text: str) -> None:
    began = time.process_time()
    find_secrets(text, path)
    assert time.process_time() - began < LONG_S


def test_the_places_are_those_of_the_text_whatever_letters_stand_before() -> None:
    form = next(form for form in FORMS if form.path == "Main.java")
    text = f"// 😀é\ud800 日本\n{form.text}"
    (finding,) = find_secrets(text, form.path)
    assert text[finding.start : finding.end] == form.secrets[0]


def test_no_text_makes_the_search_fail() -> None:
    pieces = (
        *(
            '"auth": "',
            "password = ",
            "Authorization: Basic ",
            "https://user:",
            "@host",
            "data:\n  key: ",
            "-----BEGIN ",
        ),
        *(
            "PRIVATE KEY-----",
            "«",
            "é",
            "😀",
            "\ud800",
            "\0",
            "%zz",
            "{{ x }}",
            '"',
            "'",
            "`",
            "\n",
            "=",
            ":",
            "aB3$",
            "Zm9v",
        ),
    )
    chance = Random(7)
    for path in ("config.json", "app.yaml", "a.py", "Dockerfile", "notes.md"):
        for _ in range(400):
            find_secrets("".join(chance.choices(pieces, k=12)), path)
    find_secrets('"auth": "«value»"', "config.json")


def test_a_secret_of_kubernetes_that_a_file_holds_twice_is_found_twice() -> None:
    secret = "kind: Secret\nmetadata:\n  name: x\ndata:\n  first: UjR4dlE5bUsyTHBX\n"
    text = "---\n".join([secret, "kind: ConfigMap\ndata:\n  open: UjR4dlE5bUsyTHBX\n", secret, secret])
    places = [at for at in range(len(text)) if text.startswith("first: ", at)]
    assert [finding.start for finding in find_secrets(text, "all.yaml")] == [at + len("first: ") for at in places]


@pytest.mark.parametrize(
    "line",
    [
        'headers = {"Authorization": "SECRET"}',
        'headers["Authorization"] = "SECRET"',
        'curl -H "Authorization: SECRET" https://api.internal',
        'requests.get(url, auth=("admin", "SECRET"))',
        'HTTPBasicAuth("admin", "SECRET")',
        'smtp.login("me@example.com", "SECRET")',
        'WEBHOOK_URL = "https://discord.com/api/webhooks/112233445566778899/SECRETSECRETSECRET"',
    ],
)
def test_a_key_without_a_scheme_and_a_password_beside_its_user_are_found(line: str) -> None:
    draw = Random(5)
    secret = "".join(draw.choices("abcdefghkmnpqrstuvwxyzABCDEFGHKMNPQRSTUVWXYZ23456789", k=28))
    assert secret not in mask_text(line.replace("SECRET", secret), "a.py")[0]


@pytest.mark.parametrize(
    "line",
    [
        'requests.get(url, auth=("user", "password"))',
        'ALLOWED = ["Authorization", "Content-Type"]',
        "fetch(url, { headers: { Authorization: `Bearer ${token}` } })",
        "def authorization(self) -> AuthorizationServerMetadataDocument:",
        "Authorization: AuthorizationServerMetadataDocument",
    ],
)
def test_a_name_beside_authorization_is_no_key(line: str) -> None:
    assert mask_text(line, "a.py")[0] == line
