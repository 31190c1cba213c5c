"""hairpin: the offline log and dump analyzer for Kubernetes networks."""

__version__ = "0.1.0"
