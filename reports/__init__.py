"""Renderers over the results of a run; nothing here talks to a target.

Every text in the results may come from a hostile target: each renderer escapes all of it.
"""
