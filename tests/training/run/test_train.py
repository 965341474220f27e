"""A stopped run continues exactly as an unbroken run would; a decay run ends at rate zero."""

import argparse
import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import torch

from training.corpus.changes import ChangedFile, find_hunks
from training.corpus.files import SourceFile
from training.corpus.tokenizer import TextEncoder
from training.documents.document_source import DocumentSource
from training.model.checkpoints import Progress, newest_checkpoint
from training.model.deepseek_v2 import Model
from training.model.shape import ModelShape
from training.run.background import OUTPUT_FILE, PAUSE_FILE, alone_in, start_in_background, wait_while_paused
from training.run.schedule import WARMUP_STEPS, Limit, rate_factor
from training.run.settings import TrainSettings, settings_of
from training.run.train import Trainer, run
from training.run.validation import Validation

MakeTrainer = Callable[..., Trainer]
SETTINGS = TrainSettings(sequence_tokens=128, batch_tokens=256, seed=9)


@pytest.fixture
def make_trainer(tiny_shape: ModelShape, encoder: TextEncoder, package: list[SourceFile]) -> MakeTrainer:
    def make(settings: TrainSettings = SETTINGS) -> Trainer:
        source = DocumentSource([package], encoder, settings.sequence_tokens, settings.seed)
        return Trainer(tiny_shape, settings, source)

    return make


def test_resuming_gives_the_losses_of_an_unbroken_run(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    unbroken = make_trainer()
    losses = [unbroken.step()["loss"] for _ in range(6)]
    stopped = make_trainer()
    for _ in range(3):
        stopped.step()
    saved = stopped.save(tmp_path)
    assert newest_checkpoint(tmp_path) == saved
    resumed = make_trainer(dataclasses.replace(SETTINGS))
    resumed.resume(saved, as_branch=False)
    assert [resumed.step()["loss"] for _ in range(3)] == losses[3:]
    assert resumed.progress.tokens == unbroken.progress.tokens


def test_training_lowers_the_loss(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer()
    losses = [trainer.step()["loss"] for _ in range(60)]
    assert sum(losses[-5:]) < sum(losses[:5]) - 2.5


def test_a_branch_keeps_the_weights_and_counts_anew_at_a_new_length(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    stable = make_trainer()
    stable.step()
    path = stable.save(tmp_path)
    longer = make_trainer(dataclasses.replace(SETTINGS, sequence_tokens=256))
    longer.resume(path, as_branch=True)
    assert longer.progress.step == 1
    assert longer.progress.run_steps == 0
    assert longer.progress.sequence_tokens == 256
    for mine, theirs in zip(longer.model.parameters(), stable.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    longer.step()


def test_only_the_newest_two_checkpoints_stay(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    trainer = make_trainer()
    for _ in range(3):
        trainer.step()
        trainer.save(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["step-00000002.pt", "step-00000003.pt"]


def test_sigterm_checkpoints_and_ends(
    make_trainer: MakeTrainer,
    encoder: TextEncoder,
    package: list[SourceFile],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainer = make_trainer()
    step, before = trainer.step, signal.getsignal(signal.SIGTERM)

    def step_then_terminate() -> dict[str, float]:
        if trainer.progress.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return step()

    monkeypatch.setattr(trainer, "step", step_then_terminate)
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        run(trainer, tmp_path, Validation([package], encoder, 128, tokens=256))
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, interrupt)
    assert newest_checkpoint(tmp_path) == tmp_path / "step-00000003.pt"
    first, *_, last = (json.loads(line) for line in (tmp_path / "log.jsonl").read_text("utf-8").splitlines())
    assert first["step"] == 0
    assert first.keys() & last.keys() >= {"val_plain", "val_fim", "val_middle"}


def test_validation_says_the_losses_of_each_language(
    encoder: TextEncoder, package: list[SourceFile], tiny_shape: ModelShape
) -> None:
    go = [SourceFile("a.go", "package a\n\nfunc add(first int, second int) int { return first + second }\n" * 40, ())]
    losses = Validation([package, go], encoder, 128, tokens=1024).losses(Model(tiny_shape))
    assert set(losses) == {"val_plain", "val_fim", "val_middle", "val_fim_go", "val_middle_go"}
    assert all(loss > 1.0 for loss in losses.values())


def test_the_rate_warms_up_stays_and_decays_to_zero() -> None:
    warm = Progress(run_steps=WARMUP_STEPS * 2)
    begun = Progress(step=500)  # from released weights
    assert rate_factor(Progress(), Limit(), decays=False) == pytest.approx(1 / WARMUP_STEPS)
    assert rate_factor(begun, Limit(), decays=False) == pytest.approx(1 / WARMUP_STEPS)
    assert rate_factor(warm, Limit(), decays=False) == 1.0
    half = dataclasses.replace(warm, run_steps=50)
    assert rate_factor(half, Limit(steps=100), decays=True) == pytest.approx(0.5)
    assert rate_factor(half, Limit(steps=100), decays=False) == 1.0
    late = dataclasses.replace(warm, run_seconds=600.0)
    assert rate_factor(late, Limit(minutes=10), decays=True) == 0.0


def test_a_pause_file_holds_the_run_until_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wait_while_paused(tmp_path) == 0.0
    (tmp_path / PAUSE_FILE).touch()
    naps = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            (tmp_path / PAUSE_FILE).unlink()

    monkeypatch.setattr("training.run.background.time.sleep", nap)
    wait_while_paused(tmp_path)
    assert len(naps) == 3


@pytest.mark.parametrize("apart", [True, False])
def test_in_a_session_of_its_own_it_yields_to_other_sessions_too(apart: bool) -> None:
    group = Path("/proc/self/autogroup")
    code = f"""
from pathlib import Path
from training.run.background import yield_to_others
yield_to_others()
print(Path({str(group)!r}).read_text() if Path({str(group)!r}).exists() else "nice 19")
"""
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", code]
    before = group.read_text("utf-8") if group.exists() else "nice 19"
    done = subprocess.run(command, env=environment, start_new_session=apart, capture_output=True, text=True, check=True)
    assert ("nice 19" in done.stdout) if apart else (done.stdout.strip() == before.strip())


def test_a_gpu_is_given_more_at_a_time_and_needs_no_helpers() -> None:
    given = {"sequence": 1024, "batch_tokens": None, "decay": True, "steps": None, "minutes": 9.0, "processes": 2}
    arguments = argparse.Namespace(**given, peak=0.5)
    on_cpu, on_gpu = (settings_of(arguments, on_gpu=on_gpu) for on_gpu in (False, True))
    assert (on_cpu.helpers, on_gpu.helpers) == (1, 0)
    assert on_gpu.batch_tokens > on_gpu.micro_tokens > on_cpu.batch_tokens > on_cpu.micro_tokens
    assert on_cpu.limit == on_gpu.limit == Limit(minutes=9.0)
    assert on_cpu.peak == 0.5
    assert settings_of(argparse.Namespace(**vars(arguments) | {"batch_tokens": 512}), on_gpu=True).batch_tokens == 512


def test_a_run_is_trained_by_one_process_at_a_time(tmp_path: Path) -> None:
    with alone_in(tmp_path / "stable"):
        with pytest.raises(SystemExit, match="'stable' is being trained already"), alone_in(tmp_path / "stable"):
            pass
        with alone_in(tmp_path / "other"):
            pass
    with alone_in(tmp_path / "stable"):
        pass


def test_in_the_background_it_has_a_session_of_its_own_and_writes_to_its_folder(tmp_path: Path) -> None:
    process = psutil.Process(start_in_background(tmp_path / "run", ["--decay"]))
    with suppress(psutil.NoSuchProcess):  # it has ended already
        assert os.getsid(process.pid) != os.getsid(0)
    psutil.wait_procs([process], timeout=100)
    assert "--decay needs --minutes or --steps" in (tmp_path / "run" / OUTPUT_FILE).read_text("utf-8")


def test_compiling_does_not_use_up_a_limit_in_minutes(
    tiny_shape: ModelShape, encoder: TextEncoder, package: list[SourceFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.compile", lambda model, dynamic: model)
    source = DocumentSource([package], encoder, SETTINGS.sequence_tokens, SETTINGS.seed)
    trainer = Trainer(tiny_shape, SETTINGS, source, compiled=True)
    trainer.step()
    assert trainer.progress.run_seconds == 0.0
    trainer.step()
    assert trainer.progress.run_seconds > 0.0
    assert trainer.progress.run_steps == 2


def test_the_log_has_the_loss_of_edits_where_there_are_releases(
    tiny_shape: ModelShape, encoder: TextEncoder, package: list[SourceFile]
) -> None:
    old = [f"line = {number}\nvalue = compute(line)\n" * 5 + "end = 1\n" for number in range(4)]
    changed = [
        ChangedFile(f"p/{number}.py", text, (), find_hunks("p.py", text, text + "use_deadline(value)\n"))
        for number, text in enumerate(old)
    ]
    model = Model(tiny_shape)
    names = {name for name in Validation([package], encoder, 128, 256, [changed]).losses(model) if "edits" in name}
    assert names == {"val_fim_edits", "val_middle_edits"}
    assert not any("edits" in name for name in Validation([package], encoder, 128, 256).losses(model))
