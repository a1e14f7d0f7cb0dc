"""The side tables: what each part of the method is worth, and what it takes."""
