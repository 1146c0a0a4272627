"""Who may read and who may change what on the admin port, and how its answers are guarded in a browser."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from math import ceil
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from proxy.control.attempts import Attempts
from proxy.control.cookies import Cookies
from proxy.control.door import LateError

SIGNIN = "/signin"
SIGNOUT = "/signout"
OPEN = frozenset({"/healthz", "/readyz", "/metrics", SIGNIN, SIGNOUT, "/assets/{name}"})
"""What needs no token: load balancers, scrapers and whoever signs in have none."""
ASKED = "/hooks/flagger/"
"""Where a POST only asks, so that reading is enough."""
VIEWER, OPERATOR, LOCAL = "viewer", "operator", "local"
ROLE: Final = web.RequestKey("role", str)
"""Under this a request says who asks: one of these, the last where nobody needs a token."""
MESSAGE: Final = web.ResponseKey("message", str)
"""Under this an error carries its message, for whoever shows it otherwise than as JSON."""
FORM = "form_token"
"""The field that a form sent by a browser must have; see `Cookies.form_token`."""
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
"""What a page of another origin could send without asking first (Fetch, CORS-safelisted content types)."""

HEADERS = {
    "Cache-Control": "no-store",
    # Nothing within a page runs or draws, so nothing that slips into one can; nothing is loaded from elsewhere.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with no-referrer a form's own Origin would be `null`
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_log = structlog.get_logger(__name__)


class Tokens(NamedTuple):
    """The tokens that are configured. Without any, whoever reaches the port may do all: it is on loopback."""

    viewer: str | None = None
    operator: str | None = None

    def role(self, given: str) -> str | None:
        """Whose token this is; compared in constant time."""
        operator, viewer = _same(given, self.operator), _same(given, self.viewer)
        return OPERATOR if operator else VIEWER if viewer else None


def json_response(value: object, status: int = 200) -> web.Response:
    """A JSON answer with a closing newline, for people with curl."""
    return web.Response(
        body=orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE), status=status, content_type="application/json"
    )


def error_response(status: int, message: str) -> web.Response:
    """An error in one shape: `{"error": {"code", "message"}}`."""
    response = json_response({"error": {"code": status, "message": message}}, status)
    response[MESSAGE] = message
    return response


async def json_body(request: web.Request) -> object:
    """The request's body as JSON. Raises HTTPBadRequest."""
    try:
        return orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise web.HTTPBadRequest(reason="the body is no JSON") from error


def wants_page(request: web.Request) -> bool:
    """Whether a browser asks, and not a program."""
    return "text/html" in request.headers.get("Accept", "")


def page_or_answer(page: Handler, answer: Handler) -> Handler:
    """What a browser gets, and what a program gets, at one path."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return await (page if wants_page(request) else answer)(request)

    return handler


def cookie_name(request: web.Request) -> str:
    """A browser sends one host's cookies to all its ports: each port has a name of its own."""
    try:
        port = urlsplit(f"//{request.host}").port
    except ValueError:
        port = None
    return f"slipgauge-{port}" if port else "slipgauge"


class Guard:
    """Asks for tokens where some are configured, writes errors as JSON, and security headers on every answer."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.cookies = Cookies({role: token for role, token in tokens._asdict().items() if token is not None})
        self.attempts = Attempts()

    @property
    def asks(self) -> bool:
        """Whether there is a token at all."""
        return self.tokens != Tokens()

    def may_change(self, request: web.Request) -> bool:
        """Whether whoever asks may change things here."""
        return not self.asks or request[ROLE] == OPERATOR

    def form_token(self, request: web.Request) -> str:
        """What a form on a page that is given to this client must carry."""
        return self.cookies.form_token(request.cookies.get(cookie_name(request), ""))

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """See the class."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            return await self._refused(request) or await handler(request)

        request[ROLE] = LOCAL
        response = await _answer(request, guarded)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def _role(self, request: web.Request) -> str | None:
        """The role that the request shows by a token, or a browser by its cookie."""
        if "Authorization" in request.headers:
            return self.tokens.role(_given(request))
        return self.cookies.role(request.cookies.get(cookie_name(request), ""))

    async def _refused(self, request: web.Request) -> web.Response | None:
        """Why a request is not answered; None where it is."""
        if _open(request):
            return await self._forged(request) if _changes(request) else None
        role = self._role(request)
        request[ROLE] = role or LOCAL
        if role is None and self.asks and "Authorization" in request.headers:
            if wait := self.attempts.wait(request.remote, together=False):
                return too_many(wait)
            self.attempts.failed(request.remote, together=False)
        if role != OPERATOR and (refused := self._not_allowed(request, role)) is not None:
            return refused
        return await self._forged(request) if _changes(request) else None

    def _not_allowed(self, request: web.Request, role: str | None) -> web.Response | None:
        if _changes(request) and self.asks:
            return self._unchanged(role)
        if self.tokens.viewer is None:
            return _from_a_page(request)
        if role == VIEWER:
            return None
        return _to_sign_in(request) if wants_page(request) else _unauthorized(VIEWER)

    def _unchanged(self, role: str | None) -> web.Response:
        if self.tokens.operator is None:
            return error_response(403, "name a token in admin.operator_token_env to change things over HTTP")
        if role == VIEWER:
            return error_response(403, "the viewer token only reads; this needs the operator token")
        return _unauthorized(OPERATOR)

    async def _forged(self, request: web.Request) -> web.Response | None:
        """Why a change is not made: a page of another origin may have had a browser send it, with all it keeps."""
        origin = request.headers.get("Origin")
        if (refused := _of_another_origin(request)) is not None:
            return refused
        if "Authorization" in request.headers:
            return None
        if cookie_name(request) in request.cookies or (origin is not None and request.content_type in FORMS):
            given = request.headers.get("X-Form-Token") or (await request.post()).get(FORM, "")
            if not isinstance(given, str) or not _same(given, self.form_token(request)):
                return error_response(403, "this form is too old, or not from here: load its page again")
        return None


def too_many(wait: float) -> web.Response:
    """429: this token is wrong, and so many others that came from there were."""
    response = error_response(429, f"too many wrong tokens; try again in {ceil(wait)} s")
    response.headers["Retry-After"] = str(ceil(wait))
    return response


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = error_response(error.status, f"{error.reason}: {request.method} {request.path}"[:300])
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except LateError as error:
        response = error_response(408, str(error))
        response.force_close()
        return response
    except Exception as error:
        if isinstance(error, ConnectionError) and request.transport is None:
            return error_response(400, "the client left")  # which nobody reads
        _log.exception("admin request failed", path=request.path, error=type(error).__name__)
        return error_response(500, "internal error; the log has it")


def _open(request: web.Request) -> bool:
    resource = request.match_info.route.resource
    return request.path in OPEN or (resource is not None and resource.canonical in OPEN)


def _changes(request: web.Request) -> bool:
    return request.method not in ("GET", "HEAD", "OPTIONS") and not request.path.startswith(ASKED)


def _from_a_page(request: web.Request) -> web.Response | None:
    """Why a request without a token is not answered: a page in a browser on this machine may have sent it.

    Its name may have been made to lead here (DNS rebinding), or it may send a form to another origin (CSRF).
    """
    try:
        host = urlsplit(f"//{request.host}").hostname or ""
        if host != "localhost":
            ipaddress.ip_address(host)
    except ValueError:
        return error_response(421, "without a token, ask by address or as localhost, or set admin.viewer_token_env")
    return _of_another_origin(request)


def _of_another_origin(request: web.Request) -> web.Response | None:
    """Why a page may not ask here; None where it may, or where no page says that it asks."""
    origin = request.headers.get("Origin")
    try:
        if origin is None or urlsplit(origin).netloc == request.host:
            return None
    except ValueError:
        pass
    return error_response(403, "a page of another origin may not ask here")


def _to_sign_in(request: web.Request) -> web.Response:
    back = quote(request.path_qs, safe="/")
    return web.Response(status=303, headers={"Location": f"{SIGNIN}?next={back}"})


def _unauthorized(role: str) -> web.Response:
    response = error_response(401, f"give the {role} token as `Authorization: Bearer ...`")
    response.headers["WWW-Authenticate"] = 'Bearer realm="slipgauge"'  # RFC 6750 section 3
    return response


def _given(request: web.Request) -> str:
    """The token that the request carries; empty where none.

    The password of Basic credentials counts as well (RFC 7617): some callers, as Flagger, can only name a URL.
    """
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(given.strip(), validate=True).decode("utf-8", "surrogateescape")
            return pair.partition(":")[2]
        except (binascii.Error, ValueError):
            return ""
    return ""


def _same(given: str, token: str | None) -> bool:
    """Compared in constant time."""
    return token is not None and hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode())
