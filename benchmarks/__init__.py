"""Proof in numbers: side by side, as ratios."""
