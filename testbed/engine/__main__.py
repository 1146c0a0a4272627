"""`python -m testbed.engine MODEL_DIR`: serve one model directory until interrupted."""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

import uvloop

from testbed.engine.engine import Limits
from testbed.engine.server import serving


def main() -> None:
    """Parse the command line, print one line with the address when ready, serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m testbed.engine", description=__doc__)
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001, help="0 takes a free port")
    parser.add_argument("--served-model-name", help="the name clients ask for; default: the directory's name")
    parser.add_argument("--max-num-seqs", type=int, default=Limits.slots, help="sequences running at once")
    parser.add_argument(
        "--step-interval", type=float, default=Limits.step_interval, help="least seconds between two steps"
    )
    uvloop.run(_serve(parser.parse_args()))


async def _serve(args: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    limits = Limits(slots=args.max_num_seqs, step_interval=args.step_interval)
    where = {"host": args.host, "port": args.port}
    async with serving(args.model_dir, name=args.served_model_name, limits=limits, **where) as up:
        print(f"serving {up.engine.name} at {up.url}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    main()
