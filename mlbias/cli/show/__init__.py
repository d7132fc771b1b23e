"""Drawing: the console, progress bars, tables, scores and curves."""
