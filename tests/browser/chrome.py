"""Headless Chromium by its own protocol, over aiohttp's WebSocket: nothing to install beside the browser itself.

https://chromedevtools.github.io/devtools-protocol/ describes every method and event that is named here.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from proxy.tasks import cancel, spawn

PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # the tests run as root, on pages of their own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--font-render-hinting=none",
    "--remote-debugging-port=0",
)
PATIENCE = 55.0
"""Seconds for one command, or for a page to load: less than a test has, so that it says what it waited for."""
KEYS = {"Enter": 13, "Tab": 9, "Escape": 27, " ": 32}


def program() -> str | None:
    """Where the browser is; None where there is none."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Tab:
    """One page, and all that happened on it: requests, dialogs, and what the console of the browser said."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self.complaints: list[str] = []
        """Errors, and refusals by the page's own policy."""
        self._socket = socket
        self._session = self._context = ""
        self._number = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()

    async def open(self) -> None:
        """Make the tab, and listen to it."""
        self._context = (await self.call("Target.createBrowserContext"))["browserContextId"]
        target = (await self.call("Target.createTarget", url="about:blank", browserContextId=self._context))[
            "targetId"
        ]
        self._session = (await self.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.call(f"{domain}.enable")

    async def close(self) -> None:
        """Forget all that was open and kept."""
        self._session = ""
        await self.call("Target.disposeBrowserContext", browserContextId=self._context)

    async def listen(self) -> None:
        """Take what the browser says, until it is gone."""
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                self._waiting.pop(told["id"]).set_result(told)
            else:
                await self._happened(told["method"], told["params"])

    async def call(self, method: str, /, **params: Any) -> dict[str, Any]:
        """One command. Raises RuntimeError where the browser refuses it."""
        self._number += 1
        answer = self._waiting[self._number] = asyncio.get_running_loop().create_future()
        session = {"sessionId": self._session} if self._session else {}
        await self._socket.send_json({"id": self._number, "method": method, "params": params, **session})
        told = await asyncio.wait_for(answer, PATIENCE)
        if "error" in told:
            raise RuntimeError(f"{method}: {told['error']['message']}")
        result: dict[str, Any] = told["result"]
        return result

    async def go(self, url: str) -> None:
        """Open an address, and wait until all of it is there."""
        self._loaded.clear()
        await self.call("Page.navigate", url=url)
        await self.loaded()

    async def loaded(self) -> None:
        """Wait until the page that was asked for is there."""
        await asyncio.wait_for(self._loaded.wait(), PATIENCE)

    async def run(self, script: str) -> Any:
        """What an expression is on the page. The tests' own: the page's policy does not hold it back."""
        told = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            raise RuntimeError(told["exceptionDetails"]["exception"]["description"])
        return told["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait for an expression to be true, also over a change of page."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(RuntimeError):
                    if await self.run(script):
                        return
                await asyncio.sleep(0.02)

    async def press(self, key: str) -> None:
        """Press and release a key, as a keyboard does."""
        code = KEYS.get(key, ord(key.upper()) if len(key) == 1 else 0)
        text = {"Enter": "\r", " ": " "}.get(key, key if len(key) == 1 else "")
        named = {"key": key, "windowsVirtualKeyCode": code}
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **named)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    async def write(self, text: str) -> None:
        """Write into what has the focus."""
        await self.call("Input.insertText", text=text)

    async def size(self, width: int, height: int, *, scale: float = 1.0) -> None:
        """Be a window of so many CSS pixels."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 600,
        )

    async def scheme(self, name: str) -> None:
        """Prefer `light` or `dark`."""
        features = [{"name": "prefers-color-scheme", "value": name}]
        await self.call("Emulation.setEmulatedMedia", features=features)

    async def picture(self, file: Path, *, height: int | None = None) -> None:
        """Write what is seen as PNG: of the whole page `height` pixels from the top, where that is given."""
        clip = {}
        if height is not None:
            width = await self.run("document.documentElement.clientWidth")
            clip = {"clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}}
        shot = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=bool(clip), **clip)
        await asyncio.to_thread(file.write_bytes, base64.b64decode(shot["data"]))

    async def _happened(self, method: str, params: dict[str, Any]) -> None:
        match method:
            case "Page.loadEventFired":
                self._loaded.set()
            case "Page.frameStartedNavigating":
                self._loaded.clear()
            case "Page.javascriptDialogOpening":
                self.dialogs.append(params["message"])
                _ = spawn(self.call("Page.handleJavaScriptDialog", accept=False), name="dialog")
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Log.entryAdded":
                if params["entry"]["level"] == "error":
                    self.complaints.append(params["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(params["exceptionDetails"]["text"])
            case _:
                pass


@contextmanager
def browser() -> Iterator[str]:
    """A browser until the block is left: where it takes commands. Raises FileNotFoundError where there is none."""
    found = program()
    if found is None:
        raise FileNotFoundError(f"none of {', '.join(PROGRAMS)} is installed (Debian: apt install chromium)")
    with TemporaryDirectory(prefix="slipgauge-chrome-", ignore_cleanup_errors=True) as home:
        process = subprocess.Popen(
            [found, *FLAGS, f"--user-data-dir={home}", "about:blank"], stderr=subprocess.DEVNULL
        )
        try:
            yield _address(Path(home) / "DevToolsActivePort", process)
        finally:
            process.kill()
            process.wait()


@asynccontextmanager
async def tab_of(address: str) -> AsyncIterator[Tab]:
    """A tab that knows nothing of any other, until the block is left."""
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(address, max_msg_size=0) as socket,
    ):
        tab = Tab(socket)
        listening = spawn(tab.listen(), name="browser")
        await tab.open()
        yield tab
        await tab.close()
        await cancel(listening)


def _address(file: Path, process: subprocess.Popen[bytes]) -> str:
    """Where the browser takes commands: it writes port and path into a file. Raises RuntimeError."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        lines = file.read_text().splitlines() if file.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.02)
    raise RuntimeError("the browser cannot be asked")
