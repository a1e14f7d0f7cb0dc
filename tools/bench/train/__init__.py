"""How fast a training step is, against PyTorch, its multiply-adds and the machine's peak."""
