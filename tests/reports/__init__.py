"""The report, read back by parsers and by rules."""
