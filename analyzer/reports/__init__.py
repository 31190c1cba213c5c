"""Output formats; a module in this folder with `render(report) -> bytes` is found by being there."""
