"""The maths, held by published numbers and by properties."""
