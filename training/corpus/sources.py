"""The packages the training text comes from, chosen by name and pinned.

Each is large or well known, pure enough to read, and under MIT, BSD, Apache-2.0 or PSF. Wheels are
downloaded with pip and read as zip files; `INSTALLED` are read where pip put them.
"""

from dataclasses import dataclass

from evaluation.held_out_packages import PINS

# Never trained on: validation during training, and the repository-level evaluation.
HELD_OUT = tuple(f"{pin.name}=={pin.version}" for pin in PINS)
# httpx2 is a fork of the held-out httpx, and httpcore2 its transport: training on them would leak.
NEVER_TRAINED = frozenset({"httpx2", "httpcore2"})

DOWNLOADED = (
    "Django==5.2.19",
    "SQLAlchemy==2.1.9",
    "Scrapy==2.19.0",
    "Sphinx==9.0.4",
    "Twisted==26.10.0",
    "Werkzeug==3.1.9",
    "aiohttp==3.14.5",
    "apache-airflow-core==3.3.2",
    "astropy==8.0.2",
    "black==26.10.1",
    "bokeh==3.9.2",
    "boto3==1.44.8",
    "botocore==1.44.8",
    "celery==5.7.0",
    "cryptography==50.0.2",
    "dask==2026.8.0",
    "diffusers==0.42.1",
    "distributed==2026.8.0",
    "djangorestframework==3.18.3",
    "fastapi==0.165.0",
    "homeassistant==2024.3.3",
    "ipython==9.18.1",
    "jax==0.10.2",
    "jedi==0.20.1",
    "jupyter_server==2.21.1",
    "keras==3.15.1",
    "kombu==5.7.0",
    "langchain-core==1.8.4",
    "matplotlib==3.11.2",
    "mitmproxy==11.0.2",
    "mlflow==3.18.0",
    "moto==5.2.5",
    "nbconvert==7.17.2",
    "nltk==3.10.4",
    "nova==34.0.0",
    "numba==0.68.1",
    "openai==3.57.0",
    "pandas==3.1.1",
    "poetry==2.5.1",
    "prefect==3.9.1",
    "prompt_toolkit==3.0.53",
    "pymongo==4.20.1",
    "redis==8.1.0",
    "requests==2.34.2",
    "scikit-image==0.26.0",
    "scikit-learn==1.9.1",
    "scipy==1.17.1",
    "spacy==3.8.18",
    "starlette==1.10.0",
    "statsmodels==0.15.0",
    "streamlit==1.67.0",
    "textual==8.2.8",
    "tornado==6.6.1",
    "traitlets==5.16.1",
    "trio==0.35.0",
    "urllib3==2.8.0",
    "wagtail==8.0.1",
    "xarray==2026.9.0",
)

# Installed with Midspan's own dependencies; the versions used are written to the manifest.
INSTALLED = (
    "Jinja2",
    "Pygments",
    "anyio",
    "attrs",
    "cattrs",
    "click",
    "fsspec",
    "h11",
    "huggingface_hub",
    "lsprotocol",
    "markdown-it-py",
    "mpmath",
    "mypy",
    "networkx",
    "packaging",
    "pip",
    "platformdirs",
    "pluggy",
    "psutil",
    "pydantic",
    "pygls",
    "pytest",
    "rich",
    "setuptools",
    "sympy",
    "transformers",
    "triton",
    "typer",
    "watchdog",
)
# Model zoos repeat one file a hundred times; past this much text a package teaches little new.
MAX_PACKAGE_BYTES = 8_000_000


@dataclass(frozen=True)
class Package:
    """A package as read: its name, version, licence in words, and files by path."""

    name: str
    version: str
    licence: str
    files: dict[str, bytes]
