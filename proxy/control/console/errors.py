"""Errors as pages, where a browser asks: what is wrong, and what whoever reads it can do."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from proxy.control.access import MESSAGE, SIGNIN, wants_page
from proxy.control.console.layout import page
from proxy.control.console.markup import Child, tag

TITLES = {
    400: "That cannot be",
    401: "A token is needed",
    403: "This may not be done",
    404: "Nothing is here",
    409: "Not now",
    421: "Another address, please",
    429: "Too much at once",
    500: "Something went wrong",
    503: "Not to be had just now",
}
FRAMING = ("Content-Type", "Content-Length")
"""Headers that belong to the body alone."""


@web.middleware
async def as_page(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The error that was answered, as a page where the request is a browser's; its other headers stay."""
    response = await handler(request)
    if MESSAGE not in response or not wants_page(request):
        return response
    headers = {name: value for name, value in response.headers.items() if name not in FRAMING}
    text = error_page(response.status, response[MESSAGE])
    return web.Response(text=text, status=response.status, content_type="text/html", headers=headers)


def error_page(status: int, message: str) -> str:
    """The page. It stands outside any frame: it may be shown to somebody who may see nothing else. Pure."""
    title = TITLES.get(status, "That did not work")
    said = tag("p", message[:1].upper(), message[1:], ".", class_="lead")
    code = tag("p", f"HTTP {status}", class_="muted")
    return page(None, title, "", tag("h1", title), said, tag("p", _way_out(status)), code)


def _way_out(status: int) -> Child:
    overview = tag("a", "the overview", href="/")
    match status:
        case 400:
            return ("Go back and change what was sent, or begin at ", overview, ".")
        case 401:
            return (tag("a", "Sign in", href=SIGNIN), " and try again.")
        case 403:
            return ("Load the page again, or ", tag("a", "sign in", href=SIGNIN), " with the operator token.")
        case 421:
            return "Open this port under localhost, or by its address."
        case 429 | 503:
            return "Wait a little, then load this page again. Nothing was changed."
        case _:
            return ("Go to ", overview, " or ", tag("a", "the cases", href="/cases"), ".")
