"""Goldens: the cases of a run with what the target answered, kept in a folder, and compared with those of another."""
