"""Costs of hairpin against reference commands that do the same work, as ratios measured side by side."""
