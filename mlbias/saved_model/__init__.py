"""Trained models on disk, with the record of how and on what they were trained."""
