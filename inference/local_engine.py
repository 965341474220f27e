"""The engine inside the process: one thread that owns torch, and a queue into it. Importing this imports no torch."""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import cached_property
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING

from inference.api import (
    ContextFile,
    Draft,
    DraftSource,
    EngineSettings,
    EngineStats,
    Message,
    ModelInfo,
    OnUpdate,
    Repository,
    Request,
)
from inference.compiled_products import keep_few_compiled_products
from inference.copying.copier import begin_copying
from inference.drafting.drafter import Drafting
from inference.edit_window import EditPrompt, EditWindow
from inference.heap import paused_garbage_collection
from inference.inbox import Inbox
from inference.live_sequence import LiveSequence
from inference.models.description import ModelDescription, read_description
from inference.models.identity import name_of_folder
from inference.prompts.edit_prompt import build_edit_prompt, edit_window_lines
from inference.prompts.families import Family
from inference.prompts.prompt import TokenPrompt, build_chat_prompt, build_fim_prompt, read_own_tokens
from inference.prompts.text_stream import TextStream
from inference.prompts.tokenizer import Tokenizer
from inference.right_of_way import RIGHT_OF_WAY
from inference.speed.import_torch import import_torch, open_library
from inference.speed.last_start import KnownStart
from inference.speed.prefetch import read_ahead
from inference.threads import default_threads, let_threads_sleep
from kernels.cpu.library import native_library
from midspan import CapacityError, MidspanError, ModelError

if TYPE_CHECKING:  # both import torch
    from inference.scheduler import Scheduler
    from inference.weights.matrix import Quant

log = logging.getLogger(__name__)

BUILTIN_MODEL = Path(__file__).parent / "builtin"


class Generation:
    """A submitted request."""

    def __init__(self, sequence: LiveSequence, look_for_cancel: Callable[[], None]) -> None:
        self._sequence = sequence
        self._look_for_cancel = look_for_cancel

    def cancel(self) -> None:
        """End the request within a layer, or within one step if others share it; its last update says "cancelled".

        Any thread, any number of times.
        """
        self._sequence.cancelled = True
        self._look_for_cancel()


class LocalEngine:
    """Owns the model, the cache and the thread that runs them, until `close`."""

    def __init__(self, settings: EngineSettings) -> None:
        """Begin to read the model's folder, on the engine's thread alone; errors appear in `ready` and in requests.

        Methods that need the description or the tokenizer wait for it, and raise ModelError when the folder is
        refused: call them on a thread that may wait.
        """
        self.folder = folder = settings.model or BUILTIN_MODEL
        self.info = ModelInfo(name_of_folder(folder), folder, "unknown", (), 0)  # until the folder is read
        self._settings = settings
        self._described: Future[ModelDescription] = Future()
        self._opened: Future[Tokenizer] = Future()
        self._is_advised = False
        self.drafting = Drafting()
        self._lacks_draft_model = folder != BUILTIN_MODEL
        self.ready: Future[None] = Future()
        self._inbox = Inbox()
        self._scheduler: Scheduler | None = None
        self._quant: Quant | None = None
        self._weights_bytes = 0
        self._known = KnownStart(folder, settings)
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def describe(self) -> ModelInfo:
        """Return the model's description as its folder gives it, once it is read. Raises ModelError."""
        self._described.result()
        return self.info

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer, once it is loaded. Raises ModelError when the folder has none that can be used."""
        return self._opened.result()

    @property
    def reading_tokens_per_s(self) -> float | None:
        """The speed at which prompts are read: that of the last requests, or of the last start; None: not known yet.

        What the last start knew is known when the folder is read, and otherwise when the model is loaded.
        """
        return self._known.speed.tokens_per_s

    def count_tokens(self, text: str) -> int:
        """Count the model's tokens in a text."""
        return self.tokenizer.count(text)

    def fim_prompt(self, context: str, prefix: str, suffix: str, repository: Repository | None = None) -> TokenPrompt:
        """Make the prompt for the hole between `prefix` and `suffix`, in the model's preferred order.

        `repository` says the same as `context` and `prefix`, for families that keep files apart by separators.
        Raises ModelError when the model was not trained to fill a hole.
        """
        identity = self._described.result().identity
        if not identity.fim_orders:
            raise ModelError(str(identity.fim_advice))
        if identity.fim_advice and not self._is_advised:
            self._is_advised = True
            log.warning("%s", identity.fim_advice)
        order = identity.fim_orders[0]
        tokens = build_fim_prompt(self.tokenizer, order, context, prefix, suffix, repository)
        return TokenPrompt(tokens, self.tokenizer.path)

    def begun_word(self, prefix: str) -> str:
        """Return the begun word at the end of `prefix` that the prompt has to leave out, for `Request.begins_with`."""
        return self.tokenizer.begun_word(prefix)

    def chat_prompt(self, messages: Sequence[Message], files: Sequence[ContextFile] = ()) -> TokenPrompt:
        """Make the prompt for the next answer, with `files` before the messages. ModelError: the model cannot chat."""
        if advice := self._described.result().identity.chat_advice:
            raise ModelError(advice)
        return TokenPrompt(build_chat_prompt(self.tokenizer, messages, files), self.tokenizer.path)

    @property
    def edit_window_lines(self) -> tuple[int, int] | None:
        """The lines above and below the cursor that the model writes anew; None: it was not trained for next edits."""
        return edit_window_lines(self.tokenizer, self.describe().name)

    def edit_prompt(self, window: EditWindow) -> EditPrompt:
        """Make the prompt for a next edit, in the form that the model was trained in, or as plain text."""
        return build_edit_prompt(self.tokenizer, self.describe().name, window)

    def draft(self, source: DraftSource, text: str) -> Draft:
        """Encode a text that the output may repeat, as an edit repeats its original, for `Request.drafts`."""
        return Draft(source, tuple(self.tokenizer.encode(text)))

    def submit(self, request: Request, on_update: OnUpdate) -> Generation:
        """Queue a request. `on_update` is called on the engine thread and must not block it.

        The last update has a finish reason, and the error of a request that failed. Raises CapacityError for a request
        that is too long, ForeignPromptError for a prompt of a remote engine or of another model.
        """
        prompt_tokens = read_own_tokens(request.prompt, self.tokenizer)
        total, info = len(prompt_tokens) + request.max_new_tokens, self.describe()
        if total > info.context_tokens:
            raise CapacityError(
                f"prompt and output are {total} tokens and {info.name} takes {info.context_tokens}; "
                f"lower the token budget"
            )
        if not prompt_tokens or request.max_new_tokens < 1:
            raise CapacityError("a request needs a prompt and at least one token of output")
        stream = TextStream(self.tokenizer, request.begins_with)
        on_update = self._known.learn_from(request, on_update)
        drafter = self.drafting.begin(request, self.tokenizer.sentinels.fim)
        copier = begin_copying(request, self.tokenizer, self._described.result().copy_weights)
        sequence = LiveSequence(request, on_update, stream, info.context_tokens, drafter, copier)
        if self._inbox.put(sequence) and not request.background:
            RIGHT_OF_WAY.make_way(id(self))
            if self._scheduler is not None:
                self._scheduler.interruptions.make_way()
        return Generation(sequence, self._look_for_cancel)

    def stats(self) -> EngineStats:
        scheduler = self._scheduler
        if scheduler is None:
            return EngineStats(0, len(self._inbox), 0, 0, 0)
        return EngineStats(
            live_requests=scheduler.live_count,
            waiting_requests=scheduler.waiting_count + len(self._inbox),
            pages_total=scheduler.pool.total_pages,
            pages_free=scheduler.pool.free_count,
            pages_cached=scheduler.tree.cached_pages,
            device=str(scheduler.device),
            device_reason=scheduler.device_reason,
            dtype=str(scheduler.dtype).removeprefix("torch."),
            quant="none" if self._quant == "wide" else self._quant,  # by the name that the setting has
            instruction_set=scheduler.instruction_set,
            weights_bytes=self._weights_bytes,
            cache_bytes=scheduler.memory_bytes,
            pages_read=scheduler.disk.reader.read_pages,
            cache_dtype=str(scheduler.page_dtype).removeprefix("torch."),
        )

    def close(self) -> None:
        """Cancel what runs, end the thread and drop the model."""
        self._inbox.close()
        if (scheduler := self._scheduler) is not None:
            scheduler.interruptions.close()
        self._thread.join()

    def _look_for_cancel(self) -> None:
        self._inbox.wake()  # the engine thread may be waiting for work
        if (scheduler := self._scheduler) is not None:
            scheduler.interruptions.look_for_cancel()

    def _run(self) -> None:
        try:
            self._load()
        except MidspanError as error:
            self._refuse_all(error)
        except BaseException as error:  # also the panic of a native library, which is no Exception
            log.exception("loading %s failed", self.folder)
            self._refuse_all(ModelError(f"{self.folder}: cannot be loaded: {error}"))
        else:
            self.ready.set_result(None)
            self._serve_or_refuse()
        self._inbox.end()

    def _serve_or_refuse(self) -> None:
        try:
            self._serve()
            return
        except BaseException as error:  # not even a failed step could be ended
            log.exception("the engine of %s has ended", self.folder)
            reason = ModelError(f"the engine of {self.info.name} has ended: {error}; ask again in a while")
        finally:
            RIGHT_OF_WAY.part(id(self))
            self._scheduler = None
        self.ready = Future()  # whoever starts engines sees that this one has failed
        self._refuse_all(reason)

    def _load(self) -> None:
        confirm = self._settings.confirm or (lambda: None)
        library = open_library()
        confirm()
        description = read_description(self.folder)
        identity, family = description.identity, description.family
        if (last := self._known.read()) is not None:
            read_ahead(Path(last.weights))
        orders, copies = identity.fim_orders, description.copy_weights is not None
        self.info = ModelInfo(identity.name, self.folder, family.name, orders, identity.context_tokens, copies)
        self._described.set_result(description)
        # The files are read and checked while another thread imports torch.
        opening = threading.Thread(target=self._open_tokenizer, args=(family,), name="tokenizer", daemon=True)
        opening.start()
        if last is None:
            self._opened.result()  # a folder that never ran here is refused before torch takes memory
        let_threads_sleep()
        keep_few_compiled_products()
        library.join()
        with paused_garbage_collection():  # an import makes many objects that stay
            if last is not None and native_library().functions is not None:
                import_torch()
            import torch  # here, so that importing the engine stays cheap

            from inference.loader import build_scheduler

        usual_threads = default_threads()
        torch.set_num_threads(self._settings.threads or usual_threads)
        built = build_scheduler(
            self.folder, description.config, self.tokenizer, identity.context_tokens, self._settings, last
        )
        confirm()  # nothing was written in the meantime, so what was allowed is what was read
        self._scheduler, self._quant, self._weights_bytes, start = built
        self._scheduler.commit_ahead.go_on(start.cache_pages)
        self._known.keep(start)

    def _open_tokenizer(self, family: Family) -> None:
        try:
            self._opened.set_result(Tokenizer(self.folder, family))
        except MidspanError as error:
            self._opened.set_exception(error)
        except BaseException as error:  # also the panic of a native library, which is no Exception
            log.exception("the tokenizer of %s failed", self.folder)
            self._opened.set_exception(ModelError(f"{self.folder}: cannot be loaded: {error}"))

    def _serve(self) -> None:
        import torch

        from inference.devices.failed_step import fail_step

        scheduler = self._scheduler
        if scheduler is None:
            return
        step_s = 0.0
        RIGHT_OF_WAY.join(id(self), scheduler.interruptions.stop_background)
        with torch.inference_mode():
            while not self._inbox.is_closing:
                try:
                    step_s = self._step(scheduler, step_s)
                except BaseException as error:  # whatever a library raises ends the requests, and the engine goes on
                    log.exception("a step failed")
                    fail_step(scheduler, error)
                if not scheduler.is_urgent:
                    RIGHT_OF_WAY.leave(id(self))
            self._take_requests(scheduler)
            scheduler.cancel_all()
            scheduler.disk.keeper.close()
        self._known.keep_speed()
        self._known.keep_cache_pages(scheduler.pool.used_pages)

    def _step(self, scheduler: "Scheduler", last_step_s: float) -> float:
        """Take the requests that have arrived and run a step; return the time that the step took."""
        scheduler.interruptions.forget()
        self._take_requests(scheduler)
        slice_s = None
        if scheduler.is_urgent:
            RIGHT_OF_WAY.go(id(self))
        else:
            slice_s = RIGHT_OF_WAY.give_way(last_step_s, self._inbox.has_arrivals)
        began_s = time.perf_counter()
        scheduler.step(slice_s)
        return time.perf_counter() - began_s

    def _take_requests(self, scheduler: "Scheduler") -> None:
        """Move the requests that have arrived to the scheduler; wait for one only when nothing runs."""
        idle = not scheduler.live_count and not scheduler.waiting_count and not self._inbox.is_closing
        if idle and scheduler.has_prefilled and not self._inbox.has_arrivals():
            scheduler.rest()
            self._known.keep_speed()
        while idle and not self._inbox.has_arrivals() and not RIGHT_OF_WAY.is_held and self._settle(scheduler):
            pass
        while idle or len(self._inbox):
            try:
                sequence = self._inbox.get(scheduler.disk.keeper.wait_s() if idle else None)
            except Empty:
                scheduler.disk.keeper.keep_some()
                continue
            if sequence:
                scheduler.add(sequence)
            idle = False

    def _settle(self, scheduler: "Scheduler") -> bool:
        """Do a part of what makes later requests faster, after the first rest; return False once nothing is left."""
        if not scheduler.has_rested:
            return False
        if scheduler.settle():
            return True
        if not self._lacks_draft_model or scheduler.instruction_set is None:
            return False
        self._lacks_draft_model = False
        from inference.loader import load_draft_model

        try:
            self.drafting.continuations = load_draft_model(BUILTIN_MODEL, self.tokenizer)
        except Exception:  # as for lack of memory: there are other drafts
            log.exception("the built-in model cannot draft")
        return True

    def _refuse_all(self, error: MidspanError) -> None:
        """Answer every request, also a later one, with the error that keeps the model from answering."""
        traceback.clear_frames(error.__traceback__)  # they hold what was loaded
        for awaited in (self._described, self._opened):
            if not awaited.done():
                awaited.set_exception(error)
        self.ready.set_exception(error)
        self._inbox.refuse_all(error)
