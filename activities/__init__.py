"""Steps: one Temporal activity is one thin method over the rooms below. May import: every room below."""
