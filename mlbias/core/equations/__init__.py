"""The normal equations of the cost: solved, checked, and what is free where a λ is 0."""
