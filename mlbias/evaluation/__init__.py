"""Splits and metrics: the passes over ratings that are not training."""
