"""Targets: profiles of what accelerators support, and checks of model files against them."""
