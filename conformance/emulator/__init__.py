"""The reference implementation: images and operations of the Compute Engine API, in memory.

Written from the API reference, and an oracle of its own: it imports nothing of the suite that judges it.
"""
