"""The real kernel as judge of the packet path: random rule sets, real packets, real dumps."""
