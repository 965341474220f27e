"""The pairs of releases whose differences are shown as edits, chosen by name and pinned.

A pair is a package of the training text and a release some months older. The packages that the evaluation of next
edits holds out are not among them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReleasePair:
    """Two releases of a package. `folder` is where an npm package has its sources ("" for all)."""

    name: str
    old: str
    new: str
    is_npm: bool = False
    folder: str = ""

    @property
    def wanted(self) -> tuple[str, str]:
        """The older and the newer release, as the registry's client names them."""
        mark = "@" if self.is_npm else "=="
        return f"{self.name}{mark}{self.old}", f"{self.name}{mark}{self.new}"


# Never trained on: losses during training.
HELD_OUT = (
    ReleasePair("Flask", "3.0.3", "3.1.3"),
    ReleasePair("alembic", "1.14.1", "1.20.1"),
    ReleasePair("litestar", "2.16.0", "2.25.0"),
    ReleasePair("luigi", "3.7.1", "3.8.1"),
)

RELEASES: tuple[ReleasePair, ...] = (
    ReleasePair("aiohttp", "3.12.15", "3.14.5"),
    ReleasePair("apache-airflow-core", "3.1.8", "3.3.2"),
    ReleasePair("astropy", "7.1.1", "8.0.2"),
    ReleasePair("attrs", "25.4.0", "26.1.0"),
    ReleasePair("black", "25.12.0", "26.10.1"),
    ReleasePair("bokeh", "3.7.3", "3.9.2"),
    ReleasePair("cattrs", "25.3.0", "26.2.1"),
    ReleasePair("click", "8.2.1", "8.5.1"),
    ReleasePair("cryptography", "46.0.7", "50.0.2"),
    ReleasePair("dask", "2025.12.0", "2026.8.0"),
    ReleasePair("diffusers", "0.36.0", "0.42.1"),
    ReleasePair("Django", "5.1.15", "5.2.19"),
    ReleasePair("djangorestframework", "3.16.1", "3.18.3"),
    ReleasePair("fsspec", "2025.12.0", "2026.9.0"),
    ReleasePair("homeassistant", "2023.8.4", "2024.3.3"),
    ReleasePair("huggingface_hub", "1.33.0", "2.4.0"),
    ReleasePair("ipython", "9.9.0", "9.18.1"),
    ReleasePair("jax", "0.7.2", "0.10.2"),
    ReleasePair("Jinja2", "3.0.3", "3.1.6"),
    ReleasePair("jupyter_server", "2.17.0", "2.21.1"),
    ReleasePair("keras", "3.12.4", "3.15.1"),
    ReleasePair("langchain-core", "1.2.31", "1.8.4"),
    ReleasePair("markdown-it-py", "3.0.0", "4.3.0"),
    ReleasePair("matplotlib", "3.10.9", "3.11.2"),
    ReleasePair("mlflow", "3.7.0", "3.18.0"),
    ReleasePair("moto", "5.1.17", "5.2.5"),
    ReleasePair("mypy", "1.20.2", "2.4.1"),
    ReleasePair("nltk", "3.9.2", "3.10.4"),
    ReleasePair("nova", "32.2.1", "34.0.0"),
    ReleasePair("numba", "0.62.1", "0.68.1"),
    ReleasePair("openai", "2.19.0", "3.57.0"),
    ReleasePair("packaging", "25.0", "26.4"),
    ReleasePair("pandas", "2.3.3", "3.1.1"),
    ReleasePair("prefect", "3.5.0", "3.9.1"),
    ReleasePair("prompt_toolkit", "3.0.49", "3.0.53"),
    ReleasePair("psutil", "7.0.0", "7.2.2"),
    ReleasePair("pydantic", "2.12.5", "2.14.4"),
    ReleasePair("pygls", "1.3.1", "2.1.1"),
    ReleasePair("Pygments", "2.19.2", "2.21.0"),
    ReleasePair("pymongo", "4.15.5", "4.20.1"),
    ReleasePair("pytest", "8.4.2", "9.2.0"),
    ReleasePair("rich", "14.0.0", "15.0.0"),
    ReleasePair("scikit-image", "0.25.2", "0.26.0"),
    ReleasePair("scikit-learn", "1.7.2", "1.9.1"),
    ReleasePair("scipy", "1.15.3", "1.17.1"),
    ReleasePair("setuptools", "80.10.2", "84.2.1"),
    ReleasePair("spacy", "3.7.5", "3.8.18"),
    ReleasePair("Sphinx", "8.2.3", "9.0.4"),
    ReleasePair("SQLAlchemy", "2.0.58", "2.1.9"),
    ReleasePair("statsmodels", "0.14.6", "0.15.0"),
    ReleasePair("streamlit", "1.54.0", "1.67.0"),
    ReleasePair("sympy", "1.13.3", "1.14.0"),
    ReleasePair("tornado", "6.5.10", "6.6.1"),
    ReleasePair("transformers", "5.9.0", "5.24.0"),
    ReleasePair("Twisted", "25.5.0", "26.10.0"),
    ReleasePair("typer", "0.19.2", "0.29.2"),
    ReleasePair("wagtail", "7.2.3", "8.0.1"),
    ReleasePair("watchdog", "6.0.0", "7.1.0"),
    ReleasePair("Werkzeug", "3.0.6", "3.1.9"),
    ReleasePair("xarray", "2025.12.0", "2026.9.0"),
    ReleasePair("@grpc/grpc-js", "1.12.6", "1.14.7", True, "src/"),
    ReleasePair("@jupyterlab/apputils", "4.5.10", "4.7.6", True, "src/"),
    ReleasePair("@jupyterlab/notebook", "4.4.10", "4.6.6", True, "src/"),
    ReleasePair("@jupyterlab/services", "7.4.10", "7.6.6", True, "src/"),
    ReleasePair("@lumino/widgets", "2.6.0", "2.10.0", True, "src/"),
    ReleasePair("@react-navigation/core", "7.9.2", "7.24.0", True, "src/"),
    ReleasePair("@react-navigation/stack", "7.3.6", "7.12.1", True, "src/"),
    ReleasePair("@tanstack/form-core", "1.19.5", "1.33.5", True, "src/"),
    ReleasePair("@tanstack/router-core", "1.139.16", "1.171.39", True, "src/"),
    ReleasePair("@tiptap/core", "3.22.5", "3.35.0", True, "src/"),
    ReleasePair("@xterm/xterm", "5.5.0", "6.0.0", True, "src/"),
    ReleasePair("eslint", "9.39.5", "10.15.0", True, "lib/"),
    ReleasePair("fastify", "5.5.0", "5.12.8", True),
    ReleasePair("mobx", "6.16.1", "7.1.3", True, "src/"),
    ReleasePair("mongodb", "6.17.0", "7.9.0", True, "src/"),
    ReleasePair("rxdb", "16.21.1", "17.6.0", True, "src/"),
    ReleasePair("svelte", "5.39.13", "5.57.3", True, "src/"),
    ReleasePair("undici", "7.15.0", "7.30.2", True, "lib/"),
    ReleasePair("webpack", "5.99.9", "5.113.0", True, "lib/"),
)
