"""The preview: one presentation, a player page and a ClearKey license endpoint, on loopback for one person."""
