"""Real players in a real browser, on presentations that the tests package themselves."""
