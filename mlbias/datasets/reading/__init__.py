"""Any file of ratings: opened, taken apart, checked, encoded."""
