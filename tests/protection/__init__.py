"""Keys: made, sealed, opened, never shown."""
