"""What is used of uvicorn although it does not promise to keep it: why it is needed, and what happens without it.

It looks first whether what it needs is there, and does without where a new version has it no more.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar


def answer_in_http_1_0() -> None:
    """Makes uvicorn answer in HTTP/1.0 in this process, as some servers do; it has no setting for that.

    Raises:
        NotImplementedError: this version of uvicorn keeps its status lines elsewhere; only the variant that needs them
            cannot be served then.
    """
    try:
        from uvicorn.protocols.http.httptools_impl import STATUS_LINE  # noqa: PLC0415 - it may be gone
    except ImportError:
        raise NotImplementedError("this version of uvicorn cannot be made to answer in HTTP/1.0") from None
    STATUS_LINE.update({status: line.replace(b"HTTP/1.1", b"HTTP/1.0") for status, line in STATUS_LINE.items()})


def one_connection_at_a_time() -> type[asyncio.Protocol]:
    """A protocol of uvicorn that serves a connection until it is closed, and lets all others wait meanwhile, as servers
    of one thread do.

    Raises:
        NotImplementedError: this version of uvicorn keeps its protocol elsewhere.
    """
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol  # noqa: PLC0415 - as above
    except ImportError:
        raise NotImplementedError("this version of uvicorn cannot be made to serve one connection at a time") from None

    class OneAtATime(HttpToolsProtocol):
        open: ClassVar[list[Any]] = []

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.open.append(self)
            if self.open[0] is not self:
                transport.pause_reading()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            was_served = self.open[0] is self
            self.open.remove(self)
            if was_served and self.open:
                self.open[0].transport.resume_reading()

    return OneAtATime
