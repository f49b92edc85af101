"""Whole titles, as their users submit them, on real parts."""
