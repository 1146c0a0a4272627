"""An analyzer that does what the request tells it to: a peer that injects faults."""

import contextlib
import ctypes
import os
import socket
import stat
import sys
import time
from pathlib import Path
from typing import ClassVar

from analyzers.finding import (
    GOOD,
    Finding,
    Measurement,
    Need,
    NotApplicable,
    PerAnswer,
    Probe,
    Reply,
    Result,
    Score,
)
from analyzers.pair import Exchange, Pair, Request


class Faulty(PerAnswer):
    name: ClassVar[str] = "faulty"
    version: ClassVar[str] = "1"
    variables: ClassVar[tuple[str, ...]] = ("faulty",)
    labels: ClassVar[frozenset[str]] = frozenset({"ok"})

    def variable(self, request: Request) -> str:
        return "faulty"

    def failure(self, request: Request, answer: Exchange) -> Score:
        fault = request.body.get("fault", "")
        for choice in answer.choices:
            fault = choice.text.partition("fault: ")[2] or fault
        if fault == "undeclared":
            return Score(1.0, "customer text")
        if fault:
            getattr(self, fault)()
        return GOOD

    def sleep(self) -> None:
        ctypes.PyDLL(None).sleep(3600)  # in C, with the interpreter lock held: no signal handler can help

    def spin(self) -> None:
        while True:
            pass

    def memory(self) -> None:
        bytearray(1 << 30)

    def exit(self) -> None:
        os._exit(3)

    def leave(self) -> None:
        sys.exit(3)

    def fork_away(self) -> None:
        if os.fork() == 0:
            os.setsid()  # out of reach of a signal to the group
            time.sleep(5)
            os._exit(0)
        os._exit(3)

    def crash(self) -> None:
        ctypes.string_at(0)

    def shout(self) -> None:
        sys.stdout.write("customer text " * 1000)
        sys.stdout.flush()
        sys.stderr.write("customer text " * 1000)
        sys.stderr.flush()
        os.write(1, b"\xff" * 5000)

    def forge(self) -> None:
        for descriptor in range(3, 1024):
            with contextlib.suppress(OSError):
                if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                    os.write(descriptor, b"\xff\xff\xff\xff nonsense")
        self.sleep()

    def complain(self) -> None:
        raise RuntimeError("customer text")

    def connect(self) -> None:
        with socket.socket() as link, contextlib.suppress(OSError):
            link.connect(("127.0.0.1", 9))

    def write_file(self) -> None:
        (Path.home() / "leak").write_text("customer text")


class Needy(PerAnswer):
    """Needs as many rounds as the request says, and then measures, finds, or does not apply."""

    name: ClassVar[str] = "needy"
    version: ClassVar[str] = "1"
    variables: ClassVar[tuple[str, ...]] = ("needy",)
    figures: ClassVar[tuple[str, ...]] = ("rounds", "sum")
    labels: ClassVar[frozenset[str]] = frozenset({"ok", "unsupported"})

    def variable(self, request: Request) -> str | None:
        return "needy" if "rounds" in request.body else None

    def failure(self, request: Request, answer: Exchange) -> Score:
        return GOOD

    def score(self, pair: Pair, replies: tuple[Reply, ...] = ()) -> Result:  # type: ignore[override]
        body = pair.request.body
        if len(replies) < body["rounds"]:
            tokenize = {"model": "m", "prompt": body.get("prompt", "hi")}
            return Need((Probe("candidate", body.get("path", "/tokenize"), tokenize),) * body.get("probes", 1))
        if not all(reply.good for reply in replies):
            return NotApplicable("unsupported")
        if body.get("find"):
            return Finding(self.name, self.version, "needy", GOOD, Score(1.0))
        return Measurement(
            self.name, self.version, (float(len(replies)), float(sum(reply.body["count"] for reply in replies)))
        )
