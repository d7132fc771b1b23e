"""Generated ratings: their shapes, the generator, and the files that they go into."""
