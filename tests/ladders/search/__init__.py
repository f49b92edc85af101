"""The search on shots whose every curve is known."""
