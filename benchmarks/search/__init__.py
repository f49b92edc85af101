"""The search against the oracle: hull loss re-encoded and measured, CPU of every process, peers' rules beside it."""
