"""JSON and YAML documents, and texts no grammar can say, to facts; a module in this folder is found by being there."""
