"""A reviewer's way through the console of a live demo: see the slip, open the worst case, label it, export."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

from proxy.demo.rehearsal import Stand
from tests.browser.chrome import Tab

Seen = Callable[[str], Awaitable[None]]
"""Called at every station, with its name."""
SETTLED = "document.readyState === 'complete' && document.querySelector('main') !== null"
"""All of a page is there, and its script has run: what is pressed before that is lost."""


async def walk(tab: Tab, stand: Stand, seen: Seen) -> dict[str, str]:
    """Walk it by keyboard wherever a reviewer would; what was read on the way, by station. Raises TimeoutError."""
    site = f"http://{stand.deployment.admin_address}"
    told: dict[str, str] = {}

    await tab.go(f"{site}/")
    await tab.until(SETTLED)
    told["overview"] = await tab.run("document.querySelector('h1').textContent")
    await seen("overview")

    await tab.run("document.querySelector('tr:has(.state.fail) a.more, tr:has(.state.pass) a.more').focus()")
    await tab.press("Enter")
    await tab.until("location.pathname === '/cases' && document.querySelector('.case-list a') !== null")
    await tab.until(SETTLED)
    told["filter"] = await tab.run("location.search")
    told["cases"] = str(await tab.run("document.querySelectorAll('.case-list > li').length"))
    await seen("cases")

    await tab.run("document.querySelector('.case-list h2 a').focus()")
    await tab.press("Enter")
    await tab.until(f"document.querySelector('.label-form') !== null && {SETTLED}")
    told["case"] = await tab.run("decodeURIComponent(location.pathname.split('/')[2])")
    told["differs"] = await tab.run("document.querySelectorAll('.answers mark').length.toString()")
    await seen("case")

    await tab.run("document.querySelector('[name=by]').focus()")
    await tab.write("ada")
    await tab.press("Escape")
    await tab.press("e")
    await tab.write("seen in the demo")
    await tab.press("Escape")
    await tab.press("s")
    await tab.until("document.querySelector('[data-live]').textContent.startsWith('Saved')")
    told["label"] = await tab.run("document.querySelector('[data-live]').textContent")
    await seen("label")

    await tab.run("history.back()")
    await tab.until(f"document.querySelector('form.export') !== null && {SETTLED}")
    told["exported"] = await _exported(await tab.run(EXPORT))
    return told


EXPORT = """
(() => {
  const form = document.querySelector("form.export"), address = new URL(form.action);
  address.search = new URLSearchParams(new FormData(form)).toString();
  return address.href;
})()
"""


async def _exported(address: str) -> str:
    """What the export of the filtered set is: where the form leads, fetched as a browser would save it."""
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        response.raise_for_status()
        return await asyncio.wait_for(response.text(), 30)
