"""Maths: from rate–quality points to a ladder, as pure functions. May import: domain, numpy, scipy."""
