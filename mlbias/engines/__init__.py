"""Ratings in parts, wherever an engine keeps them: threads of this process, Dask or Spark."""
