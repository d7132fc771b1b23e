"""The bias model and its mathematics; no files, no screen."""
