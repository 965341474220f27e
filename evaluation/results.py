"""Results by case, kept on the disk so that an interrupted evaluation can continue."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from types import MappingProxyType

from evaluation.cache_folder import cache_folder
from inference.api import FinishReason, Request
from inference.model_files import CONFIDENCE_FILE

_SAMPLE_BYTES = 1 << 20
# Summaries by the way in which the cases were asked.
Summaries = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Result:
    """A case, asked and judged in one way. `prompt` is the digest of the request.

    `text` is the model's text, `fill` the part of it that was judged. `scores` run from 0 to 1, under their names in
    the summary.
    """

    case: str
    way: str
    prompt: str
    text: str
    fill: str
    finish_reason: FinishReason
    scores: dict[str, float]


def digest_request(request: Request) -> str:
    """The digest of a greedy request: two requests have one digest when the engine has to answer them alike."""
    question = f"{request.max_new_tokens} {request.max_lines} {request.prompt.identity}"
    if request.begins_with:
        question += f" {request.begins_with!r}"
    if request.given:
        question += f" scores {request.given}"
    if request.may_copy:
        # Renamed lines are scored, by requests of their own, and not copied.
        question += f" copies {tuple(draft for draft in request.drafts if draft.source != 'renamed')}"
    return hashlib.sha256(question.encode()).hexdigest()[:16]


def digest_model(folder: Path) -> str:
    """The digest of config, tokenizer, and the size and both ends of the weights, so that gigabytes take no time.

    The table of confidence is left out: it changes no answer of the model.
    """
    digest = hashlib.sha256()
    files = {*folder.glob("*.json"), *folder.glob("*.safetensors")} - {folder / CONFIDENCE_FILE}
    for path in sorted(files):
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(_SAMPLE_BYTES))
            file.seek(max(0, size - _SAMPLE_BYTES))
            digest.update(file.read())
    return digest.hexdigest()[:16]


class KeptResults:
    """The results of one suite and model, in a file of JSON lines. A line that a crash cut off is ignored."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[tuple[str, str, str], Result] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        for line in path.read_text(encoding="utf-8").split("\n") if path.exists() else []:
            try:
                result = Result(**json.loads(line))
            except (ValueError, TypeError):
                continue
            self._known[result.case, result.way, result.prompt] = result

    def find(self, case: str, way: str, prompt: str) -> Result | None:
        """The earlier result for the same prompt, or None."""
        return self._known.get((case, way, prompt))

    def add(self, result: Result) -> None:
        """Write the result to the file at once."""
        self._known[result.case, result.way, result.prompt] = result
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"\n{json.dumps(asdict(result))}")  # the last line may have been cut off


def kept_file(suite: str, weights: str, quant: str) -> Path:
    """Return the file of a suite's answers by one state of a model. Other versions make other weights of one folder."""
    from inference.weights.quantized_copy import LAYOUT_VERSION

    return cache_folder() / f"{suite}-{weights}-{quant}-{LAYOUT_VERSION}.jsonl"


def kept_results(suite: str, weights: str, quant: str) -> KeptResults:
    """The kept results of a suite, for one state of a model and one form of its weights."""
    return KeptResults(kept_file(suite, weights, quant))


def summarize(results: Sequence[Result]) -> dict[str, float]:
    """The number of results, the mean of each score, and the share that ended with EOS before a limit.

    Raises ValueError when there are no results.
    """
    if not results:
        raise ValueError("there are no results to summarize")
    summary: dict[str, float] = {"n": len(results)}
    for name in results[0].scores:
        summary[name] = round(fmean(result.scores[name] for result in results), 4)
    summary["stopped_by_itself"] = round(fmean(result.finish_reason in ("eos", "fim") for result in results), 4)
    return summary


def to_table(summaries: Summaries, missing: Mapping[str, str] = MappingProxyType({})) -> str:
    """A Markdown table with a row for each way; a `missing` way has a row with the reason."""
    names = list(next(iter(summaries.values()), {"n": 0}))
    lines = [f"| asked | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for way, summary in summaries.items():
        values = [f"{value}" if name == "n" else f"{value:.1%}" for name, value in summary.items()]
        lines.append(f"| {way} | {' | '.join(values)} |")
    return "\n".join([*lines, *(f"| {way} | {why}{' |' * len(names)}" for way, why in missing.items())])
