"""Conformance suite for Compute Engine images: what is judged, and how a run is made."""

__version__ = "0.1.0"
