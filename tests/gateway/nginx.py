"""Debian's nginx as a reverse proxy before one server, for a test to compare with."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_CONFIG = """
daemon off; master_process off; worker_processes 1;
pid {folder}/nginx.pid;
error_log /dev/null crit;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_header_timeout 300ms; client_body_timeout 300ms; keepalive_timeout 300ms;
    lingering_timeout 300ms; lingering_time 1s;
    client_max_body_size 16m;
    upstream model {{ server 127.0.0.1:{server}; keepalive 8; }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://model; }}
    }}
}}
"""
"""As its documentation says for kept connections to a server. All else is default, but for short timeouts."""


@asynccontextmanager
async def nginx(folder: Path, server: int) -> AsyncIterator[int]:
    """Run nginx before the server on that port; gives its own.

    Raises:
        FileNotFoundError: It is not installed.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        raise FileNotFoundError("nginx is not installed, and the table is compared with it: apt-get install nginx")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, server=server, port=port))
    process = await asyncio.create_subprocess_exec(program, "-p", folder, "-e", "/dev/null", "-c", config)
    try:
        async with asyncio.timeout(20):
            while not await _listens(port):
                assert process.returncode is None, "nginx has ended: its message is above"
                await asyncio.sleep(0.02)
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.close()
    return True
