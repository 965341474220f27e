"""Results by case, kept on the disk so that an interrupted evaluation goes on where it stopped."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from types import MappingProxyType

from platformdirs import user_cache_path

from inference.api import FinishReason, Request

_SAMPLE_BYTES = 1 << 20
# By the way in which the cases were asked.
Summaries = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Result:
    """One case, asked and judged in one way. `prompt` is a digest of what the engine was asked.

    `text` is what the model wrote, `fill` what was judged of it. `scores` are from 0 to 1, under the names that stand
    in the summary.
    """

    case: str
    way: str
    prompt: str
    text: str
    fill: str
    finish_reason: FinishReason
    scores: dict[str, float]


def digest_request(request: Request) -> str:
    """The same for the same question to the engine only, as long as that is greedy."""
    question = f"{request.max_new_tokens} {request.max_lines} {request.prompt.identity}"
    if request.begins_with:
        question += f" {request.begins_with!r}"
    return hashlib.sha256(question.encode()).hexdigest()[:16]


def digest_model(folder: Path) -> str:
    """The config, the tokenizer, and of weights the size and both ends: a folder of gigabytes is told apart at once."""
    digest = hashlib.sha256()
    for path in sorted((*folder.glob("*.json"), *folder.glob("*.safetensors"))):
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(_SAMPLE_BYTES))
            file.seek(max(0, size - _SAMPLE_BYTES))
            digest.update(file.read())
    return digest.hexdigest()[:16]


class ResultFile:
    """One JSON object a line, for one model. A line that was cut off by a crash is done again."""

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
        """What was found for the same prompt earlier."""
        return self._known.get((case, way, prompt))

    def add(self, result: Result) -> None:
        """Keep it at once."""
        self._known[result.case, result.way, result.prompt] = result
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"\n{json.dumps(asdict(result))}")  # the last line may have been cut off


def result_file(suite: str, weights: str, quant: str) -> ResultFile:
    """In the user's cache folder, one for each state of a model and form of its weights."""
    return ResultFile(user_cache_path("midspan") / "quality" / f"{suite}-{weights}-{quant}.jsonl")


def summarize(results: Sequence[Result]) -> dict[str, float]:
    """`n`, the mean of each score, and the share that ended with EOS before the line or the budget did.

    Raises ValueError for no results.
    """
    if not results:
        raise ValueError("there are no results to summarize")
    summary: dict[str, float] = {"n": len(results)}
    for name in results[0].scores:
        summary[name] = round(fmean(result.scores[name] for result in results), 4)
    summary["stopped_by_itself"] = round(fmean(result.finish_reason in ("eos", "fim") for result in results), 4)
    return summary


def to_table(summaries: Summaries, missing: Mapping[str, str] = MappingProxyType({})) -> str:
    """A row for each way, in Markdown; for one in which nothing was asked, why."""
    names = list(next(iter(summaries.values()), {"n": 0}))
    lines = [f"| asked | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for way, summary in summaries.items():
        values = [f"{value}" if name == "n" else f"{value:.1%}" for name, value in summary.items()]
        lines.append(f"| {way} | {' | '.join(values)} |")
    return "\n".join([*lines, *(f"| {way} | {why}{' |' * len(names)}" for way, why in missing.items())])
