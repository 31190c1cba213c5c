"""Facts derived from facts."""
