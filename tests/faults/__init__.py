"""Faults: real processes really killed, and what is left afterwards."""
