"""Tests of the packaging room."""
