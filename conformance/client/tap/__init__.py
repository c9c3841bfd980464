"""The live tap: a reverse proxy that passes every byte on as it came, and remembers what was exchanged."""
