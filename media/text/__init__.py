"""Subtitles: read from what was delivered, normalized, written as WebVTT."""
