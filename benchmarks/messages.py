"""What is asked and what is answered, byte for byte: the load generator and the mock servers must agree."""

from __future__ import annotations

import re
from itertools import cycle, islice

MODEL = "bench"
EVENTS = 64
"""Tokens of an answer, and events of a streamed one."""
_TEXT = "the block that a workshop trusts for its finest measurements is lapped until two of them cling together"

# The head that the openai package sends (3.54), credentials aside: real clients send this many fields.
_HEAD = (
    "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nAccept-Encoding: gzip, deflate\r\n"
    "Connection: keep-alive\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
    "User-Agent: OpenAI/Python 3.54.0\r\nX-Stainless-Lang: python\r\nX-Stainless-Package-Version: 3.54.0\r\n"
    "X-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\n"
    "X-Stainless-Runtime-Version: 3.11.7\r\nAuthorization: Bearer sk-bench\r\nX-Stainless-Async: false\r\n"
    "x-stainless-retry-count: 0\r\nx-stainless-read-timeout: 600\r\nContent-Length: {length}\r\n\r\n"
)
_SERVED = "HTTP/1.1 200 OK\r\ndate: Sun, 22 Nov 2026 12:00:00 GMT\r\nserver: uvicorn\r\n"  # as vLLM answers


def _words(count: int) -> str:
    return " ".join(islice(cycle(_TEXT.split()), count))


def request(number: int, *, stream: bool, prompt_bytes: int = 1_000) -> bytes:
    """A whole request; each `number` is a conversation of its own."""
    prompt = f"{number}: {_words(prompt_bytes // 4)}"[:prompt_bytes]
    flag = '"stream":true,' if stream else ""
    body = f'{{"model":"{MODEL}",{flag}"temperature":0,"messages":[{{"role":"user","content":"{prompt}"}}]}}'
    return (_HEAD.format(length=len(body)) + body).encode()


def wants_stream(request: bytes) -> bool:
    """Whether the request asks for a streamed answer."""
    return b'"stream":true' in request


PLAIN_BODY = (
    f'{{"id":"chatcmpl-bench","object":"chat.completion","created":1795348800,"model":"{MODEL}","choices":['
    f'{{"index":0,"message":{{"role":"assistant","content":"{_words(EVENTS)}"}},"logprobs":null,'
    f'"finish_reason":"stop"}}],'
    f'"usage":{{"prompt_tokens":250,"total_tokens":{250 + EVENTS},"completion_tokens":{EVENTS}}}}}'
).encode()
PLAIN = (
    f"{_SERVED}content-type: application/json\r\ncontent-length: {len(PLAIN_BODY)}\r\n\r\n".encode() + PLAIN_BODY
)

METRICS_BODY = b'vllm:num_requests_waiting{engine="0"} 0.0\nvllm:kv_cache_usage_perc{engine="0"} 0.1\n'
METRICS = (
    f"{_SERVED}content-type: text/plain\r\ncontent-length: {len(METRICS_BODY)}\r\n\r\n".encode() + METRICS_BODY
)

STREAM_HEAD = (
    f"{_SERVED}content-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n".encode()
)
_EVENT = (
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1795348800,"model":"bench",'
    b'"choices":[{"index":0,"delta":{"content":" gauge"},"logprobs":null,"finish_reason":null}],"sent":"%020d"}\n\n'
)
SENT = re.compile(rb'"sent":"(\d{20})"')
"""An event's time of sending: CLOCK_MONOTONIC, nanoseconds."""
DONE = b"data: [DONE]\n\n"


def chunk(data: bytes) -> bytes:
    """`data` as one chunk (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(sent: int = 0) -> bytes:
    """One event of a streamed answer as it is sent, a chunk of its own."""
    return chunk(_EVENT % sent)


END = chunk(DONE) + b"0\r\n\r\n"
AT_ONCE = STREAM_HEAD + event() * EVENTS + END


def stream_body(events: int) -> bytes:
    """A streamed answer's body, its chunks taken off and its times of sending put to zero."""
    return _EVENT % 0 * events + DONE


def timeless(body: bytes | bytearray) -> bytes:
    """The same body with every time of sending put to zero, which leaves what must be equal."""
    return SENT.sub(b'"sent":"%020d"' % 0, body)
