"""Benchmarks of stations and of training."""
