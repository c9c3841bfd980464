"""Tokens of callers who may not do all that an insert needs: each puts a rule of access to the test."""

from __future__ import annotations

LIMITED_TOKENS = {
    "forbidden_token": "a caller without rights",
    "scoped_token": "a caller whose OAuth scopes do not cover the request",
    "labels_token": "a caller who may make images, but set no labels",
    "source_token": "a caller who may make images, but use no source",
}
"""The settings, which are environment variables only, and whose token each is."""
