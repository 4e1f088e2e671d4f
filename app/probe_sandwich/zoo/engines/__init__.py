"""Where stacks of groups are trained: a pool of processes here, or a Ray cluster."""
