"""Tests of the sample clips."""
