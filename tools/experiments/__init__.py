"""The tables of docs/results.md, and what they are made of."""
