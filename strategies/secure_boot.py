"""Genuine files of secure boot, small ones: a target may well look into what it is given."""

from __future__ import annotations

import base64
import hashlib
import struct
import uuid

CERTIFICATE = (
    "MIIBOTCB4KADAgECAgEBMAoGCCqGSM49BAMCMBsxGTAXBgNVBAMMEENvbmZvcm1hbmNlIHRlc3QwIBcNMjAwMTAxMDAwMDAwWhgP"
    "MjEyMDAxMDEwMDAwMDBaMBsxGTAXBgNVBAMMEENvbmZvcm1hbmNlIHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARc7zI+"
    "/bIFvlREpRdBtCwRjwpBxsiwlKvyDsGsnCF0w5y3MA6wv1nMAX84/Tij/T2TJ42vteieeGigl2UPqqS9oxMwETAPBgNVHRMBAf8E"
    "BTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQDLv0pgnZfUFbdKQBtt4aaKW/ZyTLSFxZktvZ1vjJKFxgIgJpeUOvRLE0lc9EhqqB6M"
    "ZmPJfN7fFN8hlmEAqD5vhig="
)
"""An X.509 certificate in DER, made for these tests and valid from 2020 to 2120; nobody has its key."""

_SHA256 = uuid.UUID("c1c41626-504c-4092-aca9-41f936934328")
_OWNER = uuid.UUID("77fa9abd-0359-4d32-bd60-28f4e78f784b")


def database(*texts: str) -> str:
    """A database of forbidden or allowed programs: an EFI_SIGNATURE_LIST of the SHA-256 hashes of some texts, in
    base64."""
    entries = [_OWNER.bytes_le + hashlib.sha256(text.encode()).digest() for text in texts]
    size = len(entries[0])
    header = _SHA256.bytes_le + struct.pack("<III", 28 + size * len(entries), 0, size)
    return base64.b64encode(header + b"".join(entries)).decode()


FILES: dict[str, tuple[str, ...]] = {
    "X509": (CERTIFICATE,),
    "BIN": (database("conformance"), database("one", "another")),
}
"""Contents by the type of file that they are."""


def file(kind: str, number: int = 0) -> dict[str, str]:
    """A file of a type, as an insert carries it; there are others of that type under other numbers, if it has
    several."""
    return {"content": FILES[kind][number % len(FILES[kind])], "fileType": kind}
