"""A small Kubernetes-like cluster in network namespaces: real interfaces, rules and packets, no Kubernetes."""
