"""Asks a server whether it is well."""

from __future__ import annotations

import aiohttp


async def problem(session: aiohttp.ClientSession, url: str, timeout: float) -> str | None:
    """What is wrong with the server at `url`, in a few words; None where it answers within `timeout` seconds.

    Any answer below 500 will do, since servers other than vLLM may lack the path. Raises nothing but on
    cancellation.
    """
    limit = aiohttp.ClientTimeout(total=timeout)
    try:
        async with session.get(url, timeout=limit, allow_redirects=False) as response:
            return f"answers {response.status}" if response.status >= 500 else None
    except TimeoutError:
        return f"is silent for {timeout:g} s"
    except (aiohttp.ClientError, OSError) as error:
        return f"cannot be reached ({type(error).__name__})"
