"""The MovieLens data sets by name (files.grouplens.org/datasets/movielens)."""

DEFAULT_NAME = "ml-25m"

# The folder that each archive unpacks to.
FOLDERS = {
    "ml-25m": "ml-25m",
    "ml-32m": "ml-32m",
    "ml-20m": "ml-20m",
    "ml-10m": "ml-10M100K",
    "ml-1m": "ml-1m",
    "ml-100k": "ml-100k",
    "ml-latest": "ml-latest",
    "ml-latest-small": "ml-latest-small",
}
