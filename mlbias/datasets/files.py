"""The old address of mlbias/files.py, until mlbias/fetching has moved."""

from mlbias.files import *  # noqa: F403
