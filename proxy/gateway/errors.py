"""Errors that the gateway answers by itself, in the shape of OpenAI's API, always closing the connection.

Shape: https://platform.openai.com/docs/guides/error-codes
"""

from __future__ import annotations

from http import HTTPStatus

import orjson

REASONS = (
    *("bad_request", "body_too_large", "expectation_failed", "head_too_large", "http_version", "leg_header"),
    *("method", "head_timeout", "body_timeout", "clients", "held_bytes", "descriptors"),
    *("bad_gateway", "gateway_timeout"),
)
"""Why the gateway answers by itself."""


class Refusal(Exception):  # noqa: N818 - it is what the client is told, not a fault of the program
    """A request that is not passed on, with what the client is told."""

    def __init__(self, status: int, code: str, message: str, again: int | None = None, bound: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = again
        """Seconds after which it is worth another try."""
        self.reason = bound or code
        """One of REASONS: the bound that was hit, where there is one."""


def error_response(refusal: Refusal, *, body: bool = True) -> bytes:
    """The whole response, head and JSON body; without the body where `body` is false (HEAD, RFC 9110 9.3.2)."""
    kind = "invalid_request_error" if refusal.status < 500 else "api_error"
    error = {"message": refusal.message, "type": kind, "param": None, "code": refusal.code}
    content = orjson.dumps({"error": error})
    again = "" if refusal.retry_after is None else f"Retry-After: {refusal.retry_after}\r\n"
    head = (
        f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}\r\n{again}"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    ).encode()
    return head + content if body else head
