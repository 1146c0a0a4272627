"""Takes the pictures of docs/console.md, of a live demo: `make console-pictures`.

The way is that of `walk`, once in light and on a desk; then the overview in the dark, and on a phone.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from proxy import logs
from proxy.config import Log
from proxy.demo.rehearsal import Plan, perform, standing
from tests.browser.chrome import Tab, browser, tab_of
from tests.browser.walk import SETTLED, walk

DOCS = Path(__file__).parents[2] / "docs"
DESK, PHONE = (1180, 900), (390, 844)
HEIGHTS = {"overview": 1150, "cases": 900, "case": 1000}
"""CSS pixels from the top that are shown."""


async def take(address: str, requests: int) -> None:
    """Run a demo of so many requests and take all pictures."""
    logs.configure(Log(level="error"))
    async with standing(Plan(requests=requests)) as stand, tab_of(address) as tab:
        await perform(stand, lambda _: None)
        await tab.size(*DESK)
        await tab.scheme("light")

        async def seen(station: str) -> None:
            if (height := HEIGHTS.get(station)) is not None:
                await picture(tab, station, height)

        told = await walk(tab, stand, seen)
        for station, what in told.items():
            print(f"{station}: {what if len(what) < 200 else f'{len(what)} characters'}", file=sys.stderr)  # noqa: T201
        site = f"http://{stand.deployment.admin_address}/"
        await tab.scheme("dark")
        await tab.go(site)
        await tab.until(SETTLED)
        await picture(tab, "dark", 900)
        await tab.scheme("light")
        await tab.size(*PHONE, scale=1.5)
        await tab.go(site)
        await tab.until(SETTLED)
        await picture(tab, "390", 1100)


async def picture(tab: Tab, name: str, height: int) -> None:
    await tab.picture(DOCS / f"console-{name}.png", height=height)


if __name__ == "__main__":
    with browser() as found:
        asyncio.run(take(found, int(sys.argv[1]) if len(sys.argv) > 1 else 2_000))
