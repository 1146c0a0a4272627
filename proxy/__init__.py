"""The top floor: everything that does I/O."""

from proxy.compiled import prefer

prefer()
