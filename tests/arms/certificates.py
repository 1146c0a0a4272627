"""Certificates made for one test, in files."""

from __future__ import annotations

from pathlib import Path

import trustme


class Authority:
    """A CA of its own, and what it signs, under `folder`."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._folder = folder
        self._ca = trustme.CA(organization_name=name)
        self._made = 0
        self.file = str(folder / f"{name}.pem")
        self._ca.cert_pem.write_to_path(self.file)

    def issue(self, *names: str) -> tuple[str, str]:
        """The files of a certificate for these names or addresses, chain included, and of its key."""
        self._made += 1
        issued = self._ca.issue_cert(*names)
        stem = f"{Path(self.file).stem}-{self._made}"
        cert, key = self._folder / f"{stem}.pem", self._folder / f"{stem}.key"
        cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(key))
        return str(cert), str(key)
