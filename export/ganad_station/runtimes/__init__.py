"""The runtimes of model files, behind one interface."""
