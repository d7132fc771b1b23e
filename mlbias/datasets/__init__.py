"""How ratings and models come in and are kept."""
