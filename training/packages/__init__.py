"""The pinned packages of every language: fetched by their registries' clients, and read as text."""
