"""Restricted maximum likelihood (REML): both λ's learned from the ratings, and how well."""
