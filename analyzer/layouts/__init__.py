"""Bundle layouts: where a path sits in the cluster; a YAML file in this folder is found by being there."""
