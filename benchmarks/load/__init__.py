"""Many titles at once: does all of it end, in the right order, within bounded memory?"""
