"""Subtitles: read, normalized, written."""
