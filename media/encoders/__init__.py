"""One file per encoder: a recipe becomes arguments."""
