"""What is used of uvicorn although it does not promise to keep it: why it is needed, and what happens without it.

It looks first whether what it needs is there, and does without where a new version has it no more.
"""

from __future__ import annotations


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
