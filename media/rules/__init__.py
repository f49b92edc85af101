"""Rules on a presentation as it lies on disk, whoever made it: read once, check, say what is wrong and how to mend."""
