"""The models of this machine: fetched, imported, verified, removed. Nothing here imports torch at import."""
