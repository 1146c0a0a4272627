"""Who is compared: each peer a process, or none, between the load and the mock servers."""

from benchmarks.peers.aiohttp_proxy import AiohttpProxy
from benchmarks.peers.litellm import LiteLLM, litellm_program
from benchmarks.peers.nginx import Nginx, nginx_program
from benchmarks.peers.peer import Direct, Kind, Peer
from benchmarks.peers.slipgauge import Slipgauge

__all__ = [
    "AiohttpProxy",
    "Direct",
    "Kind",
    "LiteLLM",
    "Nginx",
    "Peer",
    "Slipgauge",
    "litellm_program",
    "nginx_program",
]
