"""The real engine of a model's settings: inside this process, or at a server."""

from dataclasses import replace

from inference.api import Engine
from inference.remote.address import RemoteAddress
from inference.store.model_store import find_folder, user_store
from lsp_server.settings.model_content import AllowedModel
from lsp_server.settings.values import ModelSettings


def start_engine(settings: ModelSettings) -> Engine:
    """Start the real engine; a local one loads its model in the background. Raises ModelError."""
    if isinstance(settings.model, RemoteAddress):
        from inference.remote.engine import RemoteEngine

        return RemoteEngine(settings.model)
    from inference.api import EngineSettings
    from inference.local_engine import LocalEngine

    engine = EngineSettings(
        cache_bytes=settings.cache_bytes,
        quant=settings.quant,
        cache_dtype=settings.cache_dtype,
        device=settings.device,
    )
    if isinstance(settings.model, AllowedModel):
        return LocalEngine(replace(engine, model=settings.model.folder, confirm=settings.model.confirm))
    return LocalEngine(replace(engine, model=find_folder(user_store(), settings.model) if settings.model else None))
