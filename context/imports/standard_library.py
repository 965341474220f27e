"""Well-known names of Python's standard library, and their modules."""

import sys

# Only names that hardly any other library has, each with its usual module.
_NAMES = {
    "abc": "ABC ABCMeta abstractmethod",
    "argparse": "ArgumentParser",
    "base64": "b64decode b64encode urlsafe_b64decode urlsafe_b64encode",
    "bisect": "bisect_left bisect_right insort",
    "collections": "ChainMap Counter OrderedDict defaultdict deque namedtuple",
    "collections.abc": """AsyncGenerator AsyncIterable AsyncIterator Awaitable Callable Collection Coroutine Generator
        Hashable ItemsView Iterable Iterator KeysView Mapping MutableMapping MutableSequence MutableSet Sequence Sized
        ValuesView""",
    "concurrent.futures": "Executor ProcessPoolExecutor ThreadPoolExecutor as_completed",
    "contextlib": "AsyncExitStack ExitStack asynccontextmanager closing contextmanager nullcontext suppress",
    "contextvars": "ContextVar copy_context",
    "copy": "deepcopy",
    "dataclasses": "asdict astuple dataclass is_dataclass",
    "datetime": "datetime timedelta timezone tzinfo",
    "decimal": "Decimal InvalidOperation ROUND_HALF_EVEN ROUND_HALF_UP",
    "enum": "Enum Flag IntEnum IntFlag StrEnum",
    "fractions": "Fraction",
    "functools": "cache cached_property lru_cache partial partialmethod reduce singledispatch total_ordering wraps",
    "html.parser": "HTMLParser",
    "http": "HTTPStatus",
    "http.server": "BaseHTTPRequestHandler HTTPServer ThreadingHTTPServer",
    "importlib.metadata": "PackageNotFoundError",
    "io": "BytesIO StringIO TextIOWrapper",
    "itertools": "accumulate combinations groupby islice permutations starmap takewhile zip_longest",
    "json": "JSONDecodeError JSONDecoder JSONEncoder",
    "multiprocessing": "Process",
    "numbers": "Integral Number",
    "operator": "attrgetter itemgetter methodcaller",
    "pathlib": "Path PosixPath PurePath PurePosixPath WindowsPath",
    "pprint": "pformat pprint",
    "queue": "Empty LifoQueue PriorityQueue Queue SimpleQueue",
    "shutil": "copyfile copyfileobj copytree rmtree",
    "statistics": "fmean median",
    "string": "ascii_letters ascii_lowercase ascii_uppercase",
    "subprocess": "CalledProcessError CompletedProcess DEVNULL PIPE Popen TimeoutExpired check_call check_output",
    "tempfile": "NamedTemporaryFile SpooledTemporaryFile TemporaryDirectory TemporaryFile mkdtemp mkstemp",
    "textwrap": "dedent shorten",
    "threading": "Condition RLock Semaphore Thread current_thread",
    "time": "monotonic perf_counter sleep",
    "types": "MappingProxyType MethodType ModuleType SimpleNamespace TracebackType",
    "typing": """Annotated Any ClassVar Final Generic Literal NamedTuple NewType NoReturn Optional ParamSpec Protocol
        TYPE_CHECKING TypeAlias TypeGuard TypeVar TypedDict Union cast get_type_hints overload runtime_checkable""",
    "unittest": "TestCase",
    "unittest.mock": "AsyncMock MagicMock Mock",
    "urllib.parse": "parse_qs quote_plus unquote urlencode urljoin urlparse urlsplit urlunparse urlunsplit",
    "urllib.request": "urlopen urlretrieve",
    "uuid": "UUID uuid1 uuid4 uuid5",
    "weakref": "WeakKeyDictionary WeakSet WeakValueDictionary",
    "zoneinfo": "ZoneInfo",
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names.split()}


def find_standard_import(name: str) -> str | None:
    """Return the statement that imports a name, or None for a name that is not well known."""
    if name in _MODULE_OF:
        return f"from {_MODULE_OF[name]} import {name}"
    if name in sys.stdlib_module_names and not name.startswith("_"):
        return f"import {name}"
    return None


def is_standard(module: str) -> bool:
    """Return whether a module, as an import names it, is in the standard library."""
    return module.partition(".")[0] in sys.stdlib_module_names
