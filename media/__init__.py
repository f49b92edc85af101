"""Tools: every external program is built, run and read here, and nowhere else. May import: domain."""
