"""The real engine of a model's settings: inside this process, or at a server."""

from inference.api import Engine
from inference.remote.address import RemoteAddress
from inference.store.model_store import find_folder, user_store
from lsp_server.settings.values import ModelSettings


def start_engine(settings: ModelSettings) -> Engine:
    """Start the real engine; a local one loads its model in the background. Raises ModelError."""
    if isinstance(settings.model, RemoteAddress):
        from inference.remote.engine import RemoteEngine

        return RemoteEngine(settings.model)
    from inference.api import EngineSettings
    from inference.local_engine import LocalEngine

    model = find_folder(user_store(), settings.model) if settings.model else None
    return LocalEngine(EngineSettings(model=model, cache_bytes=settings.cache_bytes, quant=settings.quant))
