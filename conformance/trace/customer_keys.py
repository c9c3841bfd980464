"""Customer-supplied encryption keys: where requests carry them, and what must not be seen elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.trace.exchange import Exchange

KEYS = {
    "image": "imageEncryptionKey",
    "source-disk": "sourceDiskEncryptionKey",
    "source-image": "sourceImageEncryptionKey",
    "source-snapshot": "sourceSnapshotEncryptionKey",
}
KEY_BYTES = 32
SECRET_FIELDS = ("rawKey", "rsaEncryptedKey")
SECRET_MINIMUM = 20
"""Characters of the shortest text that is taken for a secret: a shorter one may stand in an answer by chance."""


def secrets_of(exchange: Exchange) -> Iterator[str]:
    """The texts of customer-supplied keys that a request carries."""
    body = exchange.request.json
    for name in KEYS.values() if isinstance(body, dict) else ():
        key = body.get(name)
        for field in SECRET_FIELDS if isinstance(key, dict) else ():
            secret = key.get(field)
            if isinstance(secret, str) and len(secret) >= SECRET_MINIMUM:
                yield secret
