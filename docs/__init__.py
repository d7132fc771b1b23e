"""The scripts that make the generated pages and the picture."""
