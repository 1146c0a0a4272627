"""nginx with `mirror`: one worker, connections to both servers kept, the mirrored answer not read.

Answers are passed on unbuffered, as an event stream needs it. nginx reads no more of a mirrored answer than its
head and closes the connection there, however it buffers: it connects for each mirror, and a model server would
take that for a client gone. The client's own connection is not free again before the mirror has answered.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.peers.peer import Peer
from benchmarks.process import Process, children, free_ports

_CONFIG = """
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {folder}/nginx.pid;
error_log /dev/null crit;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 64m;
    client_body_buffer_size 64k;
    keepalive_requests 1000000000;
    upstream baseline {{ server 127.0.0.1:{baseline}; keepalive 512; keepalive_requests 1000000000; }}
    upstream candidate {{ server 127.0.0.1:{candidate}; keepalive 512; keepalive_requests 1000000000; }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_buffering off;
    split_clients $request_id $sampled {{ {split} }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ {mirror} proxy_pass http://baseline; }}
        location = /mirror {{
            internal;
            if ($sampled = no) {{ return 204; }}
            proxy_pass http://candidate$request_uri;
        }}
    }}
}}
"""


def nginx_program() -> str | None:
    """Where nginx is, or None."""
    return shutil.which("nginx") or shutil.which("/usr/sbin/nginx")


class Nginx(Peer):
    """Raises FileNotFoundError where nginx is not installed."""

    name = "nginx"

    def __init__(self, folder: Path, baseline: int, candidate: int, share: float) -> None:
        program = nginx_program()
        if program is None:
            raise FileNotFoundError("nginx is not installed")
        [port] = free_ports(1)
        config = folder / "nginx.conf"
        split = f"{share:.0%} yes; * no;" if 0 < share < 1 else "* yes;"
        config.write_text(
            _CONFIG.format(
                folder=folder,
                baseline=baseline,
                candidate=candidate,
                port=port,
                split=split,
                mirror="mirror /mirror;" if share else "",
            )
        )
        command = [program, "-p", folder, "-e", "/dev/null", "-c", config]
        super().__init__(Process(command, port, folder / "nginx.log"), port)

    @property
    def pids(self) -> list[int]:
        """The master, which idles, and its worker."""
        return [] if self.process is None else [self.process.pid, *children(self.process.pid)]
