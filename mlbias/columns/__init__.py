"""Which column of a file or a frame is which."""
