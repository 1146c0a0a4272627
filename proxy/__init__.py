"""The top floor: everything that does I/O."""
