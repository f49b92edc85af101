"""Keys: content keys are made, sealed and opened here, and never leave as text. May import: domain."""
