"""Recorded histories of real titles: a change that would break a running title fails here."""
