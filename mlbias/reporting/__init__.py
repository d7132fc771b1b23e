"""The report: one page about ratings and their baseline."""
