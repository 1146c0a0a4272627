"""Bodies built to hurt whoever reads them: clients are answered, others do not wait, the ledger stays whole."""

from __future__ import annotations

import pytest
import structlog

from proxy.config import Log
from proxy.gateway.eligibility import TooIntricateError, parse_object, stands_alone
from proxy.gateway.response import BadResponseError, read_head
from proxy.logs import configure
from tests.gateway.peer import always, ask, plain, post, serving
from tests.gateway.stands import Stands

CHAT = "/v1/chat/completions"
DEEP = b"[" * 300 + b"]" * 300
BODIES = {
    "deep metadata": (CHAT, b'{"model":"m","messages":[{"role":"user","content":"hi"}],"metadata":%b}' % DEEP),
    "deep content": (CHAT, b'{"model":"m","messages":[{"role":"user","content":%b}]}' % DEEP),
    "deep and stored": ("/v1/responses", b'{"model":"m","input":"hi","store":false,"metadata":%b}' % DEEP),
    "too deep to be parsed": (CHAT, b'{"model":"m","messages":[],"metadata":%b}' % (b"[" * 1_100 + b"]" * 1_100)),
    "many media": (CHAT, b'{"model":"m","messages":[{"role":"user","content":[%b{}]}]}' % (b"{}," * 24_000)),
    "many parts": (CHAT, b'{"model":"m","messages":[{"role":"user","content":[%b{}]}]}' % (b"{}," * 60_000)),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("model", ["m", "another name"])
async def test_a_body_too_intricate_to_read_is_passed_on_and_counted(stand: Stands, name: str, model: str) -> None:
    path, body = BODIES[name]
    async with (
        serving(always(plain(b"ok"))) as baseline,
        serving(always(plain(b"ok"))) as candidate,
        stand(baseline.address, candidate.address, models={"m": {"baseline": model}}) as s,
    ):
        response = await ask(s.port, post(path, body))
        assert response.status == 200
        assert baseline.requests[0].body == body
        assert await s.settled() == {"dropped_request_bytes": 1}
        assert candidate.requests == []
        assert s.gateway._services.held.used == 0


KEYS = b",".join(b'"%d":0' % n for n in range(50_001))


@pytest.mark.parametrize(
    "body",
    [b'{"a":%b}' % DEEP, b"[%b0]" % (b"{}," * 50_001), b"[%b0]" % (b"1," * 200_001), b"{%b}" % KEYS],
)
def test_structure_is_bounded(body: bytes) -> None:
    with pytest.raises(TooIntricateError):
        parse_object(body)


PART = {"type": "x"}


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": [PART] * 4_000}],
        [{"role": "user", "content": [{"type": "tool_result", "content": [PART] * 4_000}]}],
        [{"role": "user", "content": [{"type": "document", "source": {"content": [PART] * 4_000}}]}],
        [{"role": "user", "content": [PART]}] * 2_001,
        [{"role": "tool", "tool_call_id": "1", "content": "x"}] * 4_001,
    ],
)
def test_what_may_hold_media_is_bounded(messages: list[object]) -> None:
    with pytest.raises(TooIntricateError):
        stands_alone({"model": "m", "messages": messages})


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "hi"}] * 40_000,
        [{"role": "user", "content": [{"type": "text", "text": "hi"}] * 40_000}],
        [{"role": "user", "content": [PART] * 3_999}],
        [{"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "x"}] * 9}] * 4_000,
    ],
)
def test_texts_however_many_are_not(messages: list[object]) -> None:
    assert stands_alone({"model": "m", "messages": messages})


def test_a_status_below_100_is_refused() -> None:
    with pytest.raises(BadResponseError):
        read_head(b"HTTP/1.1 099 X\r\n\r\n", to_head=False)


async def test_a_mirror_carries_no_query(stand: Stands) -> None:
    async with (
        serving(always(plain(b"ok"))) as baseline,
        serving(always(plain(b"ok"))) as candidate,
        stand(baseline.address, candidate.address) as s,
    ):
        await ask(s.port, post(f"{CHAT}?api_key=secret", b'{"model":"m","messages":[]}'))
        assert await s.settled() == {"paired": 1}
        assert baseline.requests[0].path == f"{CHAT}?api_key=secret".encode()
        assert candidate.requests[0].path == CHAT.encode()


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_logged_traceback_shows_no_local_variable(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure(Log.model_validate({"format": form}))

    def fails() -> None:
        token = "local-" + "secret"
        raise ValueError(len(token))

    try:
        fails()
    except ValueError:
        structlog.get_logger().exception("it failed")
    finally:
        structlog.reset_defaults()

    told = capsys.readouterr().err
    assert "it failed" in told
    assert "local-secret" not in told
