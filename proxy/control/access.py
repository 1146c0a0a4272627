"""Who may read the admin port, and how its answers are guarded in a browser."""

from __future__ import annotations

import hmac

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

OPEN = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that need no token: load balancers and scrapers have none."""

HEADERS = {
    "Cache-Control": "no-store",
    # The page needs no script and no picture, so nothing that slips into it can run or call out.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_log = structlog.get_logger(__name__)


def json_response(value: object, status: int = 200) -> web.Response:
    """A JSON answer with a closing newline, for people with curl."""
    return web.Response(
        body=orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE), status=status, content_type="application/json"
    )


def error_response(status: int, message: str) -> web.Response:
    """An error in one shape: `{"error": {"code", "message"}}`."""
    return json_response({"error": {"code": status, "message": message}}, status)


def guard(token: str | None) -> Middleware:
    """The middleware: token where one is configured, errors as JSON, security headers on every answer."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await _answer(request, handler, token)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return middleware


async def _answer(request: web.Request, handler: Handler, token: str | None) -> web.StreamResponse:
    if token is not None and request.path not in OPEN and not _knows(request, token):
        response = error_response(401, "give the viewer token as `Authorization: Bearer ...`")
        response.headers["WWW-Authenticate"] = 'Bearer realm="slipgauge"'  # RFC 6750 section 3
        return response
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = error_response(error.status, f"{error.reason}: {request.method} {request.path}"[:300])
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Exception as error:
        _log.exception("admin request failed", path=request.path, error=type(error).__name__)
        return error_response(500, "internal error; the log has it")


def _knows(request: web.Request, token: str) -> bool:
    """Whether the request carries the token, compared in constant time."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token.encode())
    return same and scheme.lower() == "bearer"
