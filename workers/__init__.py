"""Processes: what you start, and the only readers of the environment. May import: everything."""
