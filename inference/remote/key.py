"""Finds the key of a server: the editor's, or that of the environment or of the system's keyring. It is never shown."""

import os

from inference.remote.address import RemoteAddress, key_variable
from midspan import SettingsError

KEYRING_SERVICE = "midspan"


def find_key(address: RemoteAddress) -> str | None:
    """Find the key for the address's host; None when there is none. May wait for the user to unlock the keyring.

    Raises SettingsError for a key that cannot be sent.
    """
    here = os.environ.get(key_variable(address.host))
    key = (address.key or here or _from_keyring(address.host) or "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsError(
            f"The key for {address.host} holds characters that no key has. Set {key_variable(address.host)} again."
        )
    return key or None


def how_to_set_key(address: RemoteAddress) -> str:
    """Return the advice for a user whose key is missing or wrong."""
    return (
        f"set the environment variable {key_variable(address.host)}, or run: "
        f"keyring set {KEYRING_SERVICE} {address.host}"
    )


def _from_keyring(host: str) -> str | None:
    import keyring  # imported here because it looks for the desktop's services
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(KEYRING_SERVICE, host)
    except KeyringError:  # the machine has no keyring, or the user did not unlock it
        return None
