"""Many checkpoints from files: run in stacks, here or on a cluster, each answered as soon as its stack is done."""
