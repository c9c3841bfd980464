"""Who the suite is for the target: access tokens, from wherever they come, and fresh ones when they have expired."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
INSTALL = "pip install 'google-auth>=2.36'"


class NoToken(Exception):  # noqa: N818 - it is an event at the source of tokens, not an error of ours
    """There is no access token to be had; the text says why."""


class Credentials(ABC):
    """Access tokens for the requests of one process, shared by its threads.

    Attributes:
        seen: every token that was handed out so far, so that none of them is ever shown.
    """

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._lock = threading.Lock()

    def headers(self) -> dict[str, str]:
        """The headers that say who the suite is, valid now.

        Raises:
            NoToken: there is no token to be had.
        """
        with self._lock:
            token = self._token()
        self.seen.add(token)
        return {"Authorization": f"Bearer {token}"}

    def renew(self) -> bool:
        """Forgets a token that the target refuses; answers whether there is another one.

        Raises:
            NoToken: there is no token to be had.
        """
        with self._lock:
            return self._renew()

    @abstractmethod
    def _token(self) -> str:
        """The token that is valid now."""

    @abstractmethod
    def _renew(self) -> bool:
        """Replaces the token; answers whether it is another one."""


class FixedToken(Credentials):
    """A token that the user gives: as a text, or in a file, which may be written anew while the run goes on.

    Args:
        read: answers the token.
    """

    def __init__(self, read: Callable[[], str]) -> None:
        super().__init__()
        self._read = read
        self._current = read()

    def _token(self) -> str:
        return self._current

    def _renew(self) -> bool:
        before, self._current = self._current, self._read()
        return self._current != before


class GoogleToken(Credentials):
    """Tokens of Google's own library, which renews them before they expire.

    Args:
        source: google-auth's credentials.
    """

    def __init__(self, source: Any) -> None:
        super().__init__()
        self._source = source

    def _token(self) -> str:
        if not self._source.valid:
            self._refresh()
        return str(self._source.token)

    def _renew(self) -> bool:
        self._refresh()
        return True

    def _refresh(self) -> None:
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - an optional extra
        from google.auth.transport.requests import Request  # noqa: PLC0415

        try:
            self._source.refresh(Request())
        except GoogleAuthError as error:
            # The text of the error may quote what was sent, so that only its kind is told.
            raise NoToken(f"google-auth obtains no access token ({type(error).__name__})") from None


def credentials_for(auth: str, file: str | None, token: str | None) -> Credentials | None:
    """The credentials that the settings ask for; None where they ask for none.

    Args:
        auth: one of AUTH_KINDS.
        file: with the token, or with the key of the service account; None where none is given.
        token: the token itself; None where none is given.

    Raises:
        NoToken: they cannot be had; the text says what to do.
    """
    if auth == "none":
        return None
    if auth == "token":
        if file is not None:
            return FixedToken(lambda: _token_in(Path(file)))
        if token is None:
            raise NoToken("there is no token; set CONFORMANCE_TOKEN, or name a file that holds it with --credentials")
        return FixedToken(lambda: token)
    try:
        import google.auth  # noqa: PLC0415 - an optional extra
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
        from google.oauth2 import service_account  # noqa: PLC0415
    except ImportError:
        raise NoToken(f"google-auth is not installed; {INSTALL}") from None
    if auth == "service-account" and file is None:
        raise NoToken("there is no key of a service account; name its JSON file with --credentials")
    try:
        if auth == "adc":
            return GoogleToken(google.auth.default(scopes=SCOPES)[0])
        read: Callable[..., Any] = service_account.Credentials.from_service_account_file
        return GoogleToken(read(file, scopes=SCOPES))
    except (GoogleAuthError, ValueError, OSError):
        place = (
            f"{file} is no key of a service account" if file else "there are no application default credentials here"
        )
        raise NoToken(place) from None


def _token_in(file: Path) -> str:
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        token = ""
    if not token or any(character.isspace() for character in token):
        raise NoToken(f"the file {file} holds no token")
    return token
