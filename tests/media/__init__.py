"""Tests of the media room: command lines as values, and real programs on clips whose truth is known."""
