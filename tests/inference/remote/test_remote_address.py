import pytest

from inference.remote.address import RemoteAddress, key_variable, parse_address
from inference.remote.key import find_key
from midspan import SettingsError


@pytest.mark.parametrize(
    ("setting", "address"),
    [
        ("remote:http://127.0.0.1:8080", RemoteAddress("http://127.0.0.1:8080/v1", "127.0.0.1")),
        ("remote:http://gpu/v1/#a/b:c", RemoteAddress("http://gpu/v1", "gpu", "a/b:c")),
        ("remote:https://API.example/beta#m#n?", RemoteAddress("https://api.example/beta", "api.example", "m#n?")),
        ("remote:http://[::1]:8000/v1#m", RemoteAddress("http://[::1]:8000/v1", "::1", "m")),
        ("remote:http://h?fim=suffix&context_tokens=9#m", RemoteAddress("http://h/v1", "h", "m", "suffix", 9)),
    ],
)
def test_an_address_is_read(setting, address):
    assert parse_address(setting) == address


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("remote:", "begins with http:// or https:// and a host"),
        ("remote:gpu:8080", "begins with http:// or https:// and a host"),
        ("remote:ftp://gpu", "begins with http:// or https:// and a host"),
        ("remote:http://gpu:port", "has no valid host or port"),
        ("remote:http://gpu:99999", "has no valid host or port"),
        ("remote:http://[::1", "has no valid host or port"),
        ("remote:http://gpu/v 1", "holds a space or a control character"),
        ("remote:http://gpu#a\nb", "holds a space or a control character"),
        ("remote:http://gpu?fim=magic", "fim in a remote model's address is one of deepseek, qwen, seed, suffix"),
        ("remote:http://gpu?context_tokens=-1", "context_tokens in a remote model's address is a whole number"),
        ("remote:http://gpu?tokens=1", "has no 'tokens'. There are: fim, context_tokens"),
        ("remote:http://me:sk-secret@gpu", "at gpu holds a name or a password. A key does not belong in settings"),
        ("remote:http://gpu?api_key=sk-secret", "has no 'api_key'"),
        ("remote:http://gpu:sk-secret/v1", "has no valid host or port"),
    ],
)
def test_a_wrong_address_is_refused_and_no_key_in_it_is_quoted(setting, message):
    with pytest.raises(SettingsError) as refusal:
        parse_address(setting)
    assert message in str(refusal.value)
    assert "sk-secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_which_servers_are_on_this_machine(host, here):
    assert parse_address(f"remote:http://{host}:1").is_this_machine == here


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], str]:
    keys: dict[tuple[str, str], str] = {}
    monkeypatch.setattr("keyring.get_password", lambda service, name: keys.get((service, name)))
    return keys


def test_a_key_is_the_hosts_own(monkeypatch, stored):
    monkeypatch.setenv("MIDSPAN_KEY_API_EXAMPLE", "from-environment\n")
    stored["midspan", "gpu"] = "from-keyring"
    assert key_variable("api.example") == "MIDSPAN_KEY_API_EXAMPLE"
    assert find_key(parse_address("remote:https://api.example/v1")) == "from-environment"
    assert find_key(parse_address("remote:http://gpu:8000/v1")) == "from-keyring"
    assert find_key(parse_address("remote:https://other.example/v1")) is None


def test_the_environment_goes_before_the_keyring(monkeypatch, stored):
    monkeypatch.setenv("MIDSPAN_KEY_GPU", "from-environment")
    stored["midspan", "gpu"] = "from-keyring"
    assert find_key(parse_address("remote:http://gpu")) == "from-environment"


def test_a_machine_without_a_keyring_has_no_key(monkeypatch):
    import keyring.errors

    def refuse(_service: str, _name: str) -> str:
        raise keyring.errors.NoKeyringError

    monkeypatch.setattr("keyring.get_password", refuse)
    assert find_key(parse_address("remote:http://gpu")) is None


@pytest.mark.parametrize("key", ["sk-sécret", "sk secret", "sk\r\nX-Header: secret"])
def test_a_key_that_cannot_be_one_is_refused_and_not_quoted(monkeypatch, key):
    monkeypatch.setenv("MIDSPAN_KEY_GPU", key)
    with pytest.raises(SettingsError, match="Set MIDSPAN_KEY_GPU again") as refusal:
        find_key(parse_address("remote:http://gpu"))
    assert key not in str(refusal.value)
