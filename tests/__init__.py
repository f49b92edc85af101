"""Proof: mirrors the rooms."""
