"""Clips: recipes for small self-made titles with known cuts."""
