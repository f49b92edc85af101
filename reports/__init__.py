"""Pictures: the self-contained HTML report of a title. May import: domain, ladders."""
