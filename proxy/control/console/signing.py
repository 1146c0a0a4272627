"""Signing in and out with a browser."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from proxy.control.access import SIGNIN, SIGNOUT, Guard, cookie_name, too_many
from proxy.control.console.layout import sign_in_page
from proxy.control.console.rendering import Rendering, page_response
from proxy.control.cookies import LIFETIME


class Signing:
    """The handlers of SIGNIN and SIGNOUT."""

    def __init__(self, guard: Guard, rendering: Rendering) -> None:
        self._guard = guard
        self._rendering = rendering

    def routes(self) -> list[web.RouteDef]:
        """The form and what it sends."""
        return [web.get(SIGNIN, self.form), web.post(SIGNIN, self.sign_in), web.post(SIGNOUT, self.sign_out)]

    async def form(self, request: web.Request) -> web.Response:
        """The form; where no token is asked for, the first page."""
        if not self._guard.asks:
            raise web.HTTPSeeOther("/")
        back = own_path(request.query.get("next", "/"))
        return page_response(sign_in_page(self._rendering.frame(request), back))

    async def sign_in(self, request: web.Request) -> web.Response:
        """Take a token, and give a cookie for it."""
        attempts = self._guard.attempts
        form = await request.post()
        token, back = form.get("token"), own_path(str(form.get("next", "/")))
        role = self._guard.tokens.role(token) if isinstance(token, str) else None
        if role is None:
            if wait := attempts.wait(request.remote):
                return too_many(wait)
            attempts.failed(request.remote)
            page = sign_in_page(self._rendering.frame(request), back, "This is neither token.")
            return page_response(page, 401)
        response = web.Response(status=303, headers={"Location": back})
        response.set_cookie(
            cookie_name(request),
            self._guard.cookies.issue(role),
            max_age=LIFETIME,
            path="/",
            httponly=True,
            samesite="Strict",
            secure=request.secure or request.headers.get("X-Forwarded-Proto") == "https",
        )
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        """Have the browser forget its cookie."""
        response = web.Response(status=303, headers={"Location": SIGNIN if self._guard.asks else "/"})
        response.del_cookie(cookie_name(request), path="/")
        return response


def own_path(address: str) -> str:
    """The address, where it is a path of this server; else the first page, whatever was asked for."""
    plain = address.startswith("/") and address.isprintable() and address.isascii() and "\\" not in address
    try:
        parts = urlsplit(address)
    except ValueError:
        return "/"
    return address if plain and not parts.scheme and not parts.netloc and not address.startswith("//") else "/"
