"""Rules about the four encryption keys of an insert."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from conformance.contract.areas.source import COMES_BACK, births_of
from conformance.contract.fields import acceptance_rules, type_rules
from conformance.contract.history import History
from conformance.contract.json_types import well_typed
from conformance.contract.mutation import Mutation
from conformance.contract.order import after
from conformance.contract.request_view import RequestView
from conformance.contract.requests import request_rule
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.contract.sighting import Sighting
from conformance.trace.customer_keys import KEY_BYTES, KEYS, SECRET_MINIMUM, secrets_of
from conformance.trace.exchange import Exchange
from conformance.trace.formats import decoded, is_base64
from conformance.trace.json_text import NOT_JSON
from conformance.trace.links import same_resource

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""


_TOKENS = re.compile(rb"[A-Za-z0-9+/_-]{%d,}" % SECRET_MINIMUM)
_VERSION = re.compile(r"/cryptoKeyVersions/\d+$")

for _key, _field in KEYS.items():
    _source = _key.partition("source-")[2]
    _needs = ("csek", f"source.{_source}") if _source else ("csek",)

    def _bad_length(view: RequestView, name: str = _field) -> bool:
        raw = view.text(name, "rawKey")
        return bool(raw) and len(decoded(raw) or b"") != KEY_BYTES

    def _both(view: RequestView, name: str = _field) -> bool:
        return bool(view.text(name, "rawKey")) and bool(view.text(name, "rsaEncryptedKey"))

    def _not_base64(view: RequestView, name: str = _field) -> bool:
        wrapped = view.text(name, "rsaEncryptedKey")
        return bool(wrapped) and not is_base64(re.sub(r"\s", "", wrapped))

    RULES.add(
        request_rule(
            f"encryption.{_key}.raw-key-length",
            "doc",
            f"A rawKey of {_field} that is not base64 of exactly 256 bits is refused.",
            f"Fields > {_field}.rawKey",
            f"rawKey of {_field} is described as a 256-bit key in base64, so a text of another length or "
            "alphabet is no key.",
            _bad_length,
            needs=_needs,
        )
    )
    RULES.add(
        request_rule(
            f"encryption.{_key}.raw-or-rsa",
            "doc",
            f"rawKey and rsaEncryptedKey together in {_field} are refused.",
            f"Fields > {_field}.rawKey",
            f"{_field} takes either rawKey or rsaEncryptedKey, so both at once are outside of what it allows.",
            _both,
            needs=_needs,
        )
    )
    RULES.add(
        request_rule(
            f"encryption.{_key}.rsa-base64",
            "doc",
            f"An rsaEncryptedKey of {_field} that is not base64 is refused.",
            f"Fields > {_field}.rsaEncryptedKey",
            f"rsaEncryptedKey of {_field} is described as a wrapped key in base64, so what is no base64 is "
            "no such key.",
            _not_base64,
            needs=_needs,
        )
    )
    RULES.add(
        request_rule(
            f"encryption.{_key}.rsa-length",
            "conv",
            f"An rsaEncryptedKey of {_field} that is not 256 bytes long is refused.",
            f"Fields > {_field}.rsaEncryptedKey",
            f"RSA with 2048 bits makes 256 bytes of any key, so that no other length in {_field} opens anything; that "
            "it is refused is left unsaid, and the page's own example seems to be cut.",
            needs=_needs,
        )
    )


def _hash_of(key: Any) -> str:
    """The hash of a raw key, as answers show it; "" where there is no such key."""
    raw = decoded(key.get("rawKey")) if isinstance(key, dict) else None
    return base64.b64encode(hashlib.sha256(raw).digest()).decode() if raw else ""


def _opened(history: History) -> Iterator[Finding]:
    """In a recording, an image that was made with a raw key, or is shown with the hash of one, is used with that one
    alone."""
    for insert in history.created if history.trace.recorded else ():
        yield from _opened_as_shown(history, insert)
        for birth in births_of(history, insert.view.text("sourceImage"), insert):
            wanted = _hash_of(birth.view.part("imageEncryptionKey"))
            given = insert.view.part("sourceImageEncryptionKey")
            shown = [look.value.get("imageEncryptionKey") for look in history.results(birth)]
            protects = all(isinstance(key, dict) and key.get("sha256") == wanted for key in shown)
            used = birth.outcome == "succeeded" and after(birth.end, insert.exchange)
            if not (wanted and used and protects) or is_set(given.get("rsaEncryptedKey")):
                continue
            if any(change.method == "images.delete" for change in history.changes(birth)):
                continue
            if history.left_alone(birth, insert.exchange) or _another(history, birth, insert):
                continue
            yield expect(
                _hash_of(given) == wanted,
                f"an image that a key protects is used {'with another' if _hash_of(given) else 'without'} one",
                birth.exchange,
                insert.exchange,
                expected="a refusal, or an operation that fails",
                observed=f"HTTP {insert.exchange.status}, and succeeds",
            )


def _another(history: History, birth: Mutation, insert: Mutation) -> bool:
    """Whether looks tell another image in the place of one that was made, and used by a later insert."""
    told = history.identifier(birth)
    used = {history.identity(birth, insert.exchange)}
    used |= {seen.value.get("sourceImageId") for seen in history.results(insert)}
    return told is not None and any(is_set(known) and str(known) != told for known in used)


def _opened_as_shown(history: History, insert: Mutation) -> Iterator[Finding]:
    """Whether an insert gives the key of its source, where that was made before the recording and shows the hash."""
    given = insert.view.part("sourceImageEncryptionKey")
    unread = insert.body.get("sourceImageEncryptionKey") is not None and not _hash_of(given)  # wrapped, or blotted out
    if unread or births_of(history, insert.view.text("sourceImage"), insert):
        return
    used = {str(seen.value.get("sourceImageId")) for seen in history.results(insert)}
    for seen in history.showing("id", "imageEncryptionKey"):
        key = seen.value.get("imageEncryptionKey")
        if not isinstance(key, dict) or not is_set(key.get("sha256")) or is_set(key.get("kmsKeyName")):
            continue
        if is_set(seen.value.get("id")) and str(seen.value.get("id")) in used:
            yield expect(
                _hash_of(given) == key.get("sha256"),
                f"an image that a key protects is used {'with another' if _hash_of(given) else 'without'} one",
                seen.exchange,
                insert.exchange,
                expected="a refusal, or an operation that fails",
                observed=f"HTTP {insert.exchange.status}, and succeeds",
            )
            return


RULES.add(
    request_rule(
        "encryption.required-for-source",
        "doc",
        "A source that a customer key protects cannot be used without that key, or with another.",
        "Fields > sourceImageEncryptionKey",
        "The key of a source is required where a customer's key protects that source, so neither none nor "
        "another one opens it.",
        needs=("csek",),
        also=lambda history: _opened(history),
    )
)


@RULES.rule(
    "encryption.image.sha256",
    "doc",
    "sha256 is the base64 of SHA-256 over the bytes of the raw key; by convention it is there.",
    "Fields > imageEncryptionKey.sha256",
    "sha256 is described as the base64 of the SHA-256 hash of the key that protects the image, so "
    "another hash is untrue; its presence is left unsaid.",
    requires=(*COMES_BACK, *type_rules("imageEncryptionKey")),
    needs=("csek",),
)
def _sha256(history: History) -> Iterator[Finding]:
    for insert, sighting in (*history.comebacks, *_listed(history)):
        raw = decoded(insert.view.text("imageEncryptionKey", "rawKey"))
        if not raw or is_set(insert.view.text("imageEncryptionKey", "sha256")):
            continue
        if not well_typed(sighting.value, "imageEncryptionKey"):
            continue
        digest = base64.b64encode(hashlib.sha256(raw).digest()).decode()
        key = sighting.value.get("imageEncryptionKey")
        came = key.get("sha256") if isinstance(key, dict) else None
        yield expect(
            came == digest,
            f"the sha256 of the image's encryption key is {'wrong' if is_set(came) else 'missing'}",
            insert.exchange,
            sighting.exchange,
            expected=digest,
            observed=came,
            deviation=not is_set(came),
        )


def _listed(history: History) -> Iterator[tuple[Mutation, Sighting]]:
    """Each insert with a customer's key, with each list, family or view that tells the hash of that."""
    keyed = [insert for insert in history.created if insert.view.text("imageEncryptionKey", "rawKey")]
    made = {(insert.project, insert.image, history.known_id(insert)): insert for insert in keyed}
    for seen in history.showing("imageEncryptionKey", "id") if made else ():
        key, identifier = seen.value.get("imageEncryptionKey"), seen.value.get("id")
        insert = made.get((seen.project, seen.name, identifier)) if isinstance(identifier, str) else None
        told = isinstance(key, dict) and is_set(key.get("sha256"))
        if insert is not None and told and seen.via != "images.get":
            yield insert, seen


@RULES.rule(
    "encryption.image.kms-key-name",
    "doc",
    "No other KMS key comes back than the one that was sent, perhaps with its version; by convention it does come "
    "back.",
    "Fields > imageEncryptionKey.kmsKeyName",
    "kmsKeyName is the name of the key in Cloud KMS, and an answer may add the key's version; another "
    "name would be untrue, none is merely silent.",
    requires=(
        *COMES_BACK,
        *type_rules("imageEncryptionKey"),
        *acceptance_rules("imageEncryptionKey.kmsKeyName"),
    ),
)
def _kms_key_name(history: History) -> Iterator[Finding]:
    for insert, sighting in history.comebacks:
        sent = insert.view.text("imageEncryptionKey", "kmsKeyName")
        if not sent or not well_typed(sighting.value, "imageEncryptionKey"):
            continue
        key = sighting.value.get("imageEncryptionKey")
        came = key.get("kmsKeyName") if isinstance(key, dict) else None
        yield expect(
            isinstance(came, str) and same_resource(_VERSION.sub("", sent), _VERSION.sub("", came)),
            "the kmsKeyName that was sent does not come back",
            insert.exchange,
            sighting.exchange,
            expected=sent,
            observed=came,
            deviation=not is_set(came),
        )


@RULES.rule(
    "encryption.never-echoed",
    "doc",
    "No answer of any method holds a rawKey or rsaEncryptedKey that was sent; by convention no error text does either.",
    "Fields > imageEncryptionKey.rawKey",
    "The keys serve to encrypt and decrypt, and answers know a hash of them for that reason; texts of "
    "errors are not spoken of.",
    needs=("csek",),
)
def _never_echoed(history: History) -> Iterator[Finding]:
    own: set[str] = set()
    known = {secret.rstrip("=").encode() for secret in history.trace.secrets}

    def echoed(text: bytes) -> bool:
        return any(secret.encode() in text for secret in own) or any(token in known for token in _TOKENS.findall(text))

    for exchange in history.exchanges:
        own.update(secret.rstrip("=") for secret in secrets_of(exchange))
        if not (own or known) or exchange.response is None:
            continue
        told = echoed(_unescaped(exchange))
        yield expect(
            not told,
            "an answer holds an encryption key that was sent",
            exchange,
            expected="no rawKey or rsaEncryptedKey in any answer",
            observed="the key that was sent stands in the answer",
            deviation=told and not echoed(_beside_errors(exchange)),
        )


def _beside_errors(exchange: Exchange) -> bytes:
    """The part of an answer that tells of no error."""
    told = {name: value for name, value in (exchange.resource or {}).items() if name != "error"}
    return json.dumps(told, ensure_ascii=False).encode(errors="replace")


def _unescaped(exchange: Exchange) -> bytes:
    """The body of an answer with JSON's escapes resolved, so that no way of writing a text hides it."""
    assert exchange.response is not None
    body = exchange.response.body
    value: Any = exchange.response.json if b"\\" in body else NOT_JSON
    return body if value is NOT_JSON else json.dumps(value, ensure_ascii=False).encode(errors="replace")
