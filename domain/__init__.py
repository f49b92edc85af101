"""Nouns: what the pipeline talks about, as frozen values without I/O. May import: standard library, pydantic."""
