"""MovieLens archives from the web, or from a mirror, to folders of ratings."""
