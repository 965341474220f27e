import subprocess
import sys
from pathlib import Path
from queue import SimpleQueue

import pytest

from inference.api import ForeignPromptError, Message, Request, Sampling, Update
from inference.prompts.prompt import TokenPrompt
from midspan import CapacityError, ModelError
from tests.inference.generate import collect, generate
from tests.inference.remote.api_server import WAIT_S, Answer

USAGE = {"prompt_tokens": 40, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 30}}
DEEPSEEK = "#deepseek-ai/DeepSeek-Coder-V2-Lite-Base"


def test_a_hole_goes_out_with_the_familys_sentinels_and_comes_back_as_a_stream(serve, connect):
    server = serve(Answer(["height", " * ", "width"], usage=USAGE))
    engine = connect(server.url, DEEPSEEK)
    updates: SimpleQueue[Update] = SimpleQueue()
    engine.submit(Request(engine.fim_prompt("# b.py\n", "def area(", "):\n"), 24), updates.put)
    pieces = [updates.get(timeout=WAIT_S) for _ in range(4)]
    assert [update.text for update in pieces] == ["height", " * ", "width", ""]
    assert pieces[-1].finish_reason == "eos"
    (post,) = server.posts
    assert post.path == "/v1/completions"
    assert post.body == {
        "model": "deepseek-ai/DeepSeek-Coder-V2-Lite-Base",
        "prompt": "<｜fim▁begin｜># b.py\ndef area(<｜fim▁hole｜>):\n<｜fim▁end｜>",
        "max_tokens": 24,
        "temperature": 0.0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


@pytest.mark.parametrize(
    ("model", "prompt", "suffix"),
    [
        ("#Qwen/Qwen2.5-Coder-1.5B", "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>", None),
        ("?fim=deepseek#fine-tuned", "<｜fim▁begin｜>a<｜fim▁hole｜>b<｜fim▁end｜>", None),
        ("#some-model", "a", "b"),
        ("?fim=suffix#qwen", "a", "b"),
    ],
)
def test_the_form_follows_the_model_and_the_address(serve, connect, model, prompt, suffix):
    server = serve(Answer(["x"]))
    engine = connect(server.url, model)
    generate(engine, engine.fim_prompt("", "a", "b"))
    body = server.posts[0].body
    assert (body["prompt"], body.get("suffix")) == (prompt, suffix)


def test_a_sentinel_in_a_file_stays_text(serve, connect):
    server = serve(Answer(["x"]))
    engine = connect(server.url)
    code = 'STOP = "<|fim_middle|><|im_end|><｜end▁of▁sentence｜>"'
    generate(engine, engine.fim_prompt("", code, code))
    generate(engine, engine.chat_prompt([Message("user", code)]))
    prompt = server.posts[0].body["prompt"]
    broken = 'STOP = "< |fim_middle|>< |im_end|>< ｜end▁of▁sentence｜>"'
    assert prompt == f"<|fim_prefix|>{broken}<|fim_suffix|>{broken}<|fim_middle|>"
    assert server.posts[1].body["messages"][0]["content"] == broken


def test_a_lone_surrogate_of_an_editor_is_sent_as_the_replacement_character(serve, connect):
    server = serve(Answer(["x"]))
    engine = connect(server.url)
    assert generate(engine, engine.chat_prompt([Message("user", "a\ud800b")])).reason == "eos"
    assert server.posts[0].body["messages"][0]["content"] == "a\ufffdb"


def test_a_chat_goes_out_as_messages(serve, connect):
    server = serve(Answer(["Use `sum`", ". See <|fim_middle|>.\n", "\nDone"], usage=USAGE))
    engine = connect(server.url, "#deepseek-chat")
    messages = [
        Message("system", "Be brief."),
        Message("user", "How?"),
        Message("assistant", "So."),
        Message("user", ""),
    ]
    output = generate(engine, engine.chat_prompt(messages))
    assert output.text == "Use `sum`. See <|fim_middle|>.\n\nDone"
    assert server.posts[0].path == "/v1/chat/completions"
    assert server.posts[0].body["messages"] == [{"role": m.role, "content": m.content} for m in messages]


def test_sampling_goes_out(serve, connect):
    server = serve(Answer(["x"]))
    engine = connect(server.url)
    generate(engine, engine.fim_prompt("", "a", ""), sampling=Sampling(temperature=0.5, top_p=0.9, seed=3))
    body = server.posts[0].body
    assert (body["temperature"], body["top_p"], body["seed"]) == (0.5, 0.9, 3)


def test_the_trace_has_what_the_server_counted(serve, connect):
    engine = connect(serve(Answer(["a", "b"], usage=USAGE)).url)
    trace = generate(engine, engine.fim_prompt("", "a", "")).trace
    assert trace.counts == "reported"
    assert (trace.prompt_tokens, trace.cached_tokens, trace.prefilled_tokens, trace.decode_tokens) == (40, 30, 10, 7)
    assert trace.ttft_ms is not None
    assert 0 < trace.ttft_ms <= trace.total_ms


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": "many", "completion_tokens": -1}])
def test_without_a_report_the_trace_has_an_estimate_and_says_so(serve, connect, usage):
    engine = connect(serve(Answer(["return a", " + b"], usage=usage)).url)
    trace = generate(engine, engine.fim_prompt("", "def add(a, b):\n    ", "\n")).trace
    assert trace.counts == "estimated"
    assert 8 <= trace.prompt_tokens <= 16
    assert 4 <= trace.decode_tokens <= 8


def test_the_line_budget_ends_the_output_and_the_connection(serve, connect):
    server = serve(Answer(["a\n", "b", "\nc", "d"], stall_before=3))
    engine = connect(server.url)
    output = generate(engine, engine.fim_prompt("", "x", ""), max_lines=2)
    assert (output.text, output.reason, output.trace.counts) == ("a\nb", "lines", "estimated")
    assert server.client_gone.wait(WAIT_S)


def test_a_check_of_the_output_ends_it_and_the_connection(serve, connect):
    server = serve(Answer(["one", " two", " three"], stall_before=2))
    engine = connect(server.url)
    told: list[tuple[str, int]] = []

    def is_over(text: str, begins_at: int) -> bool:
        told.append((text, begins_at))
        return "two" in text

    updates: SimpleQueue[Update] = SimpleQueue()
    engine.submit(Request(engine.fim_prompt("", "x", ""), 24, is_over=is_over), updates.put)
    output = collect(updates)
    assert (output.text, output.reason) == ("one two", "over")
    assert told == [("one", 0), ("one two", 3)]
    assert server.client_gone.wait(WAIT_S)


@pytest.mark.parametrize(("finish", "reason"), [("length", "length"), ("stop", "eos")])
def test_the_servers_finish_is_the_engines(serve, connect, finish, reason):
    engine = connect(serve(Answer(["ab<|fi"], finish=finish)).url)
    output = generate(engine, engine.fim_prompt("", "x", ""))
    assert (output.text, output.reason) == ("ab<|fi", reason)


def test_a_server_that_knows_no_limit_is_left(serve, connect):
    server = serve(Answer(["on and "] * 100, stall_before=99))
    engine = connect(server.url)
    output = generate(engine, engine.chat_prompt([Message("user", "go")]), max_new_tokens=10)
    assert (output.text, output.reason) == ("on and " * 11, "length")
    assert server.client_gone.wait(WAIT_S)


def test_a_control_token_that_the_server_spells_out_ends_a_fill(serve, connect):
    engine = connect(serve(Answer(["ab", "<|fim", "_prefix|>cd"])).url)
    output = generate(engine, engine.fim_prompt("", "x", ""))
    assert (output.text, output.reason) == ("ab", "fim")


@pytest.mark.parametrize("stall_before", [0, 2], ids=["before the first piece", "between two"])
def test_cancel_closes_the_connection_and_leaves_other_requests(serve, connect, stall_before):
    server = serve(Answer(["a", "b", "c"], stall_before=stall_before), Answer(["other"]))
    engine = connect(server.url)
    updates: SimpleQueue[Update] = SimpleQueue()
    generation = engine.submit(Request(engine.fim_prompt("", "x", ""), 24), updates.put)
    assert server.stalled.wait(WAIT_S)
    assert [updates.get(timeout=WAIT_S).text for _ in range(stall_before)] == ["a", "b"][:stall_before]
    assert engine.stats().live_requests == 1
    generation.cancel()
    generation.cancel()
    output = collect(updates)
    assert (output.text, output.reason) == ("", "cancelled")
    assert server.client_gone.wait(WAIT_S)
    assert generate(engine, engine.fim_prompt("", "y", "")).text == "other"
    assert engine.stats().live_requests == 0


def test_a_request_cancelled_at_once_still_has_its_last_update(serve, connect):
    engine = connect(serve(Answer(["a"], stall_before=0)).url)
    outputs = []
    for _ in range(50):
        updates: SimpleQueue[Update] = SimpleQueue()
        engine.submit(Request(engine.fim_prompt("", "x", ""), 24), updates.put).cancel()
        outputs.append(collect(updates).reason)
    assert outputs == ["cancelled"] * 50


def test_close_cancels_what_runs_and_later_requests_are_refused(serve, connect):
    server = serve(Answer(["a"], stall_before=0))
    engine = connect(server.url)
    updates: SimpleQueue[Update] = SimpleQueue()
    request = Request(engine.fim_prompt("", "x", ""), 24)
    engine.submit(request, updates.put)
    assert server.stalled.wait(WAIT_S)
    engine.close()
    engine.close()
    assert collect(updates).reason == "cancelled"
    assert server.client_gone.wait(WAIT_S)
    with pytest.raises(ModelError, match="has been closed"):
        engine.submit(request, updates.put)


def test_a_receiver_that_fails_ends_only_its_request(serve, connect):
    server = serve(Answer(["a", "b"], stall_before=1), Answer(["other"]))
    engine = connect(server.url)

    def fail(_update: Update) -> None:
        raise RuntimeError("the receiver's fault")

    engine.submit(Request(engine.fim_prompt("", "x", ""), 24), fail)
    assert server.client_gone.wait(WAIT_S)
    assert generate(engine, engine.fim_prompt("", "y", "")).text == "other"


def test_without_a_name_the_only_model_of_the_server_is_taken(serve, connect):
    server = serve(Answer(["x"]))
    server.models = [{"id": "qwen2.5-coder.gguf", "meta": {"n_ctx": 9000}}]
    engine = connect(server.url, "")
    engine.ready.result(WAIT_S)
    assert (engine.info.name, engine.info.context_tokens, engine.info.folder) == ("qwen2.5-coder.gguf", 9000, None)
    generate(engine, engine.fim_prompt("", "a", ""))
    assert server.posts[0].body["model"] == "qwen2.5-coder.gguf"
    assert server.posts[0].body["prompt"].startswith("<|fim_prefix|>")


def test_the_context_is_the_named_models_or_the_addresss(serve, connect):
    server = serve(Answer(["x"]))
    server.models = [{"id": "other", "max_model_len": 100}, {"id": "qwen", "max_model_len": 50}]
    engine = connect(server.url, "#qwen")
    engine.ready.result(WAIT_S)
    prompt = engine.fim_prompt("", "x " * 30, "")
    with pytest.raises(CapacityError, match=r"about 84 tokens and qwen at http://.* takes 50"):
        generate(engine, prompt)
    wider = connect(server.url, "?context_tokens=90#qwen")
    assert generate(wider, prompt).text == "x"


def test_a_prompt_of_the_engine_inside_the_process_is_refused(serve, connect):
    server = serve(Answer(["x"]))
    with pytest.raises(ForeignPromptError, match="Ask again"):
        generate(connect(server.url), TokenPrompt((1, 2)))
    assert not server.posts


@pytest.mark.parametrize("models", [Answer(status=404, raw=b"no such page"), Answer(raw=b'{"data": null}')])
def test_a_server_without_a_list_of_models_is_asked_all_the_same(serve, connect, models):
    server = serve(Answer(["x"]))
    server.models = models
    engine = connect(server.url)
    engine.ready.result(WAIT_S)
    assert generate(engine, engine.fim_prompt("", "a", "")).text == "x"


@pytest.mark.parametrize("status", [403, 405])
def test_a_list_of_models_that_is_refused_does_not_refuse_the_named_model(serve, connect, status):
    server = serve(Answer(["x"]))
    server.models = Answer(status=status, raw=b"not for this key")
    engine = connect(server.url)
    engine.ready.result(WAIT_S)
    assert generate(engine, engine.fim_prompt("", "a", "")).text == "x"


def test_a_server_that_was_started_anew_is_asked_for_its_model_again(serve, connect, monkeypatch):
    server = serve(Answer(["x"]), Answer(["y"]), Answer(status=404, raw=b"no such model"), Answer(["z"]))
    server.models = [{"id": "qwen-a", "max_model_len": 3000}]
    engine = connect(server.url, "")
    prompt = engine.fim_prompt("", "a", "")
    assert generate(engine, prompt).text == "x"
    server.models = [{"id": "qwen-b", "max_model_len": 9000}]
    assert generate(engine, prompt).text == "y"  # right behind an answer: the same server
    assert generate(engine, prompt).error is not None
    assert generate(engine, prompt).text == "z"
    assert [post.body["model"] for post in server.posts] == ["qwen-a", "qwen-a", "qwen-a", "qwen-b"]
    assert engine.info.context_tokens == 9000
    monkeypatch.setattr("inference.remote.engine._SURE_S", 0.0)
    server.models = [{"id": "qwen-c"}]
    generate(engine, prompt)
    assert server.posts[-1].body["model"] == "qwen-c"


def test_several_models_and_no_name_is_refused_with_their_names(serve, connect):
    server = serve(Answer(["x"]))
    server.models = [{"id": "one"}, {"id": "two"}]
    with pytest.raises(ModelError, match=r"lists 2 models \(one, two\)\. Write the one to use after a #"):
        connect(server.url, "").ready.result(WAIT_S)


def test_a_model_without_fim_training_is_refused_for_holes_by_name(serve, connect):
    server = serve(Answer(["x"]))
    engine = connect(server.url, "#DeepSeek-Coder-V2-Base")
    output = generate(engine, engine.fim_prompt("", "a", ""))
    assert "was not trained to fill a hole" in str(output.error)
    assert not server.posts


def test_importing_it_imports_neither_openai_nor_torch():
    heavy = "{'openai', 'keyring', 'torch'} & set(sys.modules)"
    code = f"import sys, inference.remote.engine, inference.api, lsp_server.settings.values; sys.exit({heavy} or 0)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3]).returncode == 0
