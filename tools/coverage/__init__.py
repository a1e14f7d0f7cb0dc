"""How often the intervals of evaluate and verify hold the truth."""
