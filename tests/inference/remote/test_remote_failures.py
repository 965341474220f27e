import json
import logging
import random
import socket
import ssl
import traceback
from pathlib import Path

import pytest
import trustme

from inference.remote.patience import Patience
from midspan import CapacityError, MidspanError, ModelError
from tests.inference.generate import Output, generate
from tests.inference.remote.api_server import WAIT_S, Answer, ApiServer

KEY = "sk-very-secret-123"
NO_RETRIES = Patience(connect_s=10, silence_s=10, retries=0, longest_pause_s=2)
OK = Answer(["x"])
SET_KEY = "To change it, set the environment variable MIDSPAN_KEY_127_0_0_1, or run: keyring set midspan 127.0.0.1."
NOT_THE_API = "does not answer as the OpenAI-compatible API does. Check the address"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDSPAN_KEY_127_0_0_1", KEY)


def fill(engine) -> Output:
    return generate(engine, engine.fim_prompt("", "a", "b"))


def failure(status: int, message: str, **headers: str) -> Answer:
    body = json.dumps({"error": {"message": message}}).encode()
    return Answer(status=status, raw=body, headers={name.replace("_", "-"): text for name, text in headers.items()})


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (failure(401, f"Incorrect key {KEY}."), f"refuses the key (401: Incorrect key [the key]). {SET_KEY}"),
        (failure(403, "no"), "refuses the key (403: no)"),
        (failure(404, "no model qwen-coder"), "does not know qwen-coder, or has no /v1/completions (404: no model"),
        (failure(400, "bad temperature"), "refuses the request (400: bad temperature)."),
        (
            failure(429, "slow down", retry_after="7"),
            "limits how often it is asked (429: slow down). Try again in 7 s.",
        ),
        (failure(500, "out of memory"), "failed (500: out of memory). Its log says why."),
        (Answer(status=502, raw=b"<html>\x1b[31mBad\ngateway</html>"), "failed (502: <html> [31mBad gateway</html>)."),
        (
            failure(307, "", location="https://elsewhere.example/v1"),
            "redirects to https://elsewhere.example/v1. Code is",
        ),
        (Answer(raw=b"<html>hello</html>"), NOT_THE_API),
        (Answer(raw=b"data: hello\n\n"), NOT_THE_API),
        (Answer(raw=b"data: \xff\xfe\n\n"), NOT_THE_API),
        (Answer(raw=b"data: [1]\n\n"), NOT_THE_API),
        (Answer(raw=b'data: {"choices": [{"text": 3}]}\n\n'), NOT_THE_API),
        (Answer(raw=b'data: {"error": {"message": "slot lost"}}\n\n'), "failed while it answered: slot lost."),
        (Answer(["ab"], cut=True), "cut its answer short."),
        (Answer(["ab"], finish=None), "cut its answer short."),
        (Answer(["ab"], finish=""), "cut its answer short."),
        (Answer(["ab"], finish="content_filter"), "ended its answer with content_filter."),
    ],
)
def test_a_failing_server_is_named_with_what_to_do_and_without_the_key(serve, connect, answer, message):
    server = serve(answer)
    output = fill(connect(server.url, patience=NO_RETRIES))
    assert output.reason == "error"
    assert isinstance(output.error, MidspanError)
    assert str(output.error).startswith(f"{server.url} {message}")
    assert KEY not in "".join(traceback.format_exception(output.error))


def test_a_prompt_that_is_too_long_for_the_server_is_a_matter_of_capacity(serve, connect):
    server = serve(failure(400, "request (9000 tokens) exceeds the available context size (4096 tokens)"))
    output = fill(connect(server.url))
    assert isinstance(output.error, CapacityError)
    assert "Start the server with a larger context, or set context_tokens in the model's address" in str(output.error)


def test_a_server_that_is_busy_or_fails_for_a_moment_is_asked_again(serve, connect):
    for busy in (failure(429, "busy", retry_after="1"), failure(503, "loading")):
        server = serve(busy, OK)
        assert fill(connect(server.url)).text == "x"
        assert len(server.posts) == 2


@pytest.mark.parametrize("answer", [failure(429, "no", retry_after="20"), failure(401, "no"), failure(400, "no")])
def test_a_server_that_means_it_is_not_asked_again(serve, connect, answer):
    server = serve(answer, OK)
    assert fill(connect(server.url)).reason == "error"
    assert len(server.posts) == 1


def test_what_was_shown_is_not_asked_for_again(serve, connect):
    server = serve(Answer(["ab"], cut=True), OK)
    assert fill(connect(server.url)).text == "ab"
    assert len(server.posts) == 1


@pytest.mark.parametrize("stall_before", [0, 1])
def test_a_slow_server_is_given_up(serve, connect, stall_before):
    server = serve(Answer(["a", "b"], stall_before=stall_before))
    output = fill(connect(server.url, patience=Patience(connect_s=10, silence_s=0.5, retries=0)))
    assert str(output.error).startswith(f"{server.url} did not answer for 0.5 s. It may be loading its model")
    assert server.client_gone.wait(WAIT_S)


def test_a_server_that_is_not_there_is_no_reason_to_give_up_for_good(connect):
    with socket.socket() as taken:  # bound but not listening, so that no other program gets the port
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        engine = connect(url, patience=NO_RETRIES)
        engine.ready.result(WAIT_S)
        assert str(fill(engine).error) == f"{url} refuses the connection. Start the server, or correct the address."


def test_a_host_with_several_addresses_refuses_the_connection_as_one_with_a_single_address(connect, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.2", "127.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: found)
        engine = connect(f"http://localhost:{port}/v1", patience=NO_RETRIES)
        assert "localhost" in str(error := fill(engine).error)
        assert "refuses the connection. Start the server" in str(error)


def test_a_server_that_comes_up_later_is_found(serve, connect):
    server = serve(OK)
    server.models = failure(503, "loading")
    engine = connect(server.url, patience=NO_RETRIES)
    engine.ready.result(WAIT_S)
    assert "failed (503: loading)" in str(fill(engine).error)
    server.models = [{"id": "qwen-coder"}]
    assert fill(engine).text == "x"


def test_an_unknown_host_is_named(connect):
    engine = connect("http://no-such-host.invalid/v1", patience=NO_RETRIES)
    assert "http://no-such-host.invalid/v1: the host is not found." in str(fill(engine).error)


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (failure(401, "no"), "refuses the key"),
        (Answer(raw=b"<html>"), "does not answer as the OpenAI-compatible API does"),
        (Answer(raw=b'{"data": [1]}'), "does not answer as the OpenAI-compatible API does"),
    ],
)
def test_what_only_a_setting_can_mend_is_said_at_the_start(serve, connect, models, message):
    server = serve(OK)
    server.models = models
    with pytest.raises(ModelError, match=message):
        connect(server.url).ready.result(WAIT_S)


@pytest.fixture
def tls_server(tmp_path: Path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = ApiServer(OK, certificate=context)
    yield server
    server.close()


def test_a_certificate_that_nobody_vouches_for_is_refused(tls_server, connect, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    engine = connect(tls_server.url)
    with pytest.raises(ModelError, match="the server's certificate is not trusted") as refusal:
        engine.ready.result(WAIT_S)
    assert str(refusal.value).startswith(f"{tls_server.url}: ")
    assert "SSL_CERT_FILE" in str(refusal.value)
    assert not tls_server.received


def test_an_authority_of_the_users_own_is_trusted_as_the_message_says(tls_server, connect, monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    assert fill(connect(tls_server.url)).text == "x"


def test_tls_to_a_server_without_it_says_so(serve, connect):
    server = serve(OK)
    with pytest.raises(ModelError, match="does not speak TLS"):
        connect(server.url.replace("http:", "https:")).ready.result(WAIT_S)


def test_the_key_goes_into_one_header_and_into_no_log(serve, connect, caplog):
    server = serve(failure(500, f"your key {KEY}"), failure(500, f"your key {KEY}"), OK)
    with caplog.at_level(logging.DEBUG):
        engine = connect(server.url)
        assert "[the key]" in str(fill(engine).error)
        assert fill(engine).text == "x"
    for received in server.received:
        assert received.headers.pop("authorization") == f"Bearer {KEY}"
        assert KEY not in f"{received}"
    assert KEY not in caplog.text
    assert KEY not in f"{engine!r} {vars(engine)} {engine.info} {engine.stats()}"


def test_nothing_is_sent_that_was_not_meant_for_this_server(serve, connect, monkeypatch):
    monkeypatch.delenv("MIDSPAN_KEY_127_0_0_1")
    monkeypatch.setenv("MIDSPAN_KEY_LOCALHOST", KEY)
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"X-Secret: {KEY}")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    server = serve(OK)
    assert fill(connect(server.url)).text == "x"
    names = {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert set(server.received[0].headers) == names
    assert set(server.posts[0].headers) == names | {"content-type", "content-length"}
    assert KEY not in str(server.received)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "socks://127.0.0.1:9"])
def test_a_proxy_that_cannot_be_used_is_named(connect, monkeypatch, proxy):
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(ModelError, match=r"http://example\.invalid/v1: the proxy that the environment names cannot"):
        connect("http://example.invalid/v1").ready.result(WAIT_S)


def test_whatever_a_server_sends_a_request_ends_by_the_contract(serve, connect):
    draw = random.Random(3)
    good = b'data: {"choices": [{"text": "a\\ud83d", "finish_reason": "stop"}], "usage": {"prompt_tokens": 1}}\n\n'
    values = [b"null", b"[]", b"{}", b'"x"', b"-1", b"1e999", b"true", b'[{"delta": null}]', b"\xff", b'{"data": [[]]}']
    bodies = []
    for _ in range(100):
        body = bytearray(b"".join(draw.choices([good, b"data: [DONE]\n\n", b"event: error\n", b": ping\n\n"], k=3)))
        for _ in range(draw.randint(1, 3)):
            start = draw.randrange(len(body))
            body[start : start + draw.randint(0, 12)] = draw.choice(values)
        bodies.append(bytes(body))
    server = serve(*(Answer(raw=body, status=draw.choice([200, 200, 200, 418, 500])) for body in bodies), OK)
    engine = connect(server.url, patience=NO_RETRIES)
    for sent in bodies:
        output = fill(engine)
        assert isinstance(output.error, MidspanError) == (output.reason == "error"), sent
        output.text.encode()  # which half of a surrogate pair would not survive
        assert "The request to the server failed" not in str(output.error), sent
    assert fill(engine).text == "x"
