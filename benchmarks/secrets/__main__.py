"""The search for secrets: which planted ones are found, what is taken for one in real files, and how long it takes."""

import argparse
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from time import thread_time

import platformdirs

from benchmarks.secrets.planted import PLANTED, read_forms, unmasked
from benchmarks.secrets.real_files import fetch_real_files
from context.rules.rules import Rules
from context.secrets.find_secrets import find_secrets
from context.secrets.masking import mask_text

_SEEDS = range(5)
_REVIEWED = Path(__file__).with_name("reviewed.txt")
_BYTES_IN_MB = 1_000_000
_DIGEST_CHARACTERS = 16
_CACHE = platformdirs.user_cache_path("midspan-benchmarks") / "secrets"


def measure_recall() -> dict[str, float]:
    """Plant the set with several seeds, and count what a masked text does not show."""
    forms = [form for seed in _SEEDS for form in read_forms(PLANTED, seed)]
    planted = sum(len(form.secrets) for form in forms)
    missed = sum(len(unmasked(form, mask_text(form.text, form.path)[0])) for form in forms)
    one_seed = forms[: len(forms) // len(_SEEDS)]
    return {
        "forms": len(one_seed),
        "file_types": len({form.path for form in one_seed}),
        "planted": planted,
        "recall": 1 - missed / planted,
    }


def measure_real_files(folders: Iterator[Path], *, show: bool) -> dict[str, float]:
    """Search the files that the rules allow; a finding that nobody has reviewed as a key is a false alarm.

    `findings_in_5000` leaves none out: keys in PEM and reviewed values count too.
    """
    reviewed = read_reviewed()
    files = false_alarms = keys = size = 0
    duration_s = 0.0
    for folder in folders:
        for path, text in _texts(folder):
            files += 1
            size += len(text)
            started = thread_time()
            found = find_secrets(text, path)
            duration_s += thread_time() - started
            for finding in found:
                digest = sha256(text[finding.start : finding.end].encode()).hexdigest()[:_DIGEST_CHARACTERS]
                is_key = finding.rule == "private-key" or digest in reviewed
                keys += is_key
                false_alarms += not is_key
                if show and not is_key:
                    line = text.count("\n", 0, finding.start) + 1
                    print(f"{digest} {finding.rule} {folder.name}/{path}:{line}")
    return {
        "files": files,
        "false_alarms": false_alarms,
        "false_alarms_in_5000": 5000 * false_alarms / max(files, 1),
        "keys_in_real_files": keys,
        "findings_in_5000": 5000 * (false_alarms + keys) / max(files, 1),
        "ms_per_mb": 1000 * duration_s / max(size / _BYTES_IN_MB, 1e-9),
    }


def read_reviewed() -> dict[str, str]:
    """Return the values that are keys by their form, each digest with the reason."""
    lines = _REVIEWED.read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", maxsplit=1) for line in lines if not line.startswith("#"))


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    rules = Rules(folder)
    for file in rules.walk():
        verdict, text = rules.read(file.path)
        if verdict.included:
            yield file.path, text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=Path, nargs="+", metavar="FOLDER", help="real files that are on the disk")
    parser.add_argument("--cache", type=Path, default=_CACHE, help="where the packages of real files stay")
    parser.add_argument("--show", action="store_true", help="print the place of each false alarm, without the value")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    folders = iter(arguments.files) if arguments.files else fetch_real_files(arguments.cache)
    figures = measure_recall() | measure_real_files(folders, show=arguments.show)
    if arguments.json:
        print(json.dumps({name: round(value, 4) for name, value in figures.items()}))
        return
    for name, value in figures.items():
        print(f"{name:22}{value:>12.4g}")


if __name__ == "__main__":
    main()
