"""The error for a proxy of the environment that cannot be used."""

from midspan import ModelError


def refused_proxy(address: str, error: Exception) -> ModelError:
    """Make the error to raise in place of the HTTP library's, which has none of its own for that."""
    return ModelError(
        f"{address}: the proxy that the environment names cannot be used ({error}). Write one that begins with http:// "
        f"in ALL_PROXY, HTTP_PROXY and HTTPS_PROXY, or unset these."
    )
