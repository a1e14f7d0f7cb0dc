"""What a user should know of a folder of pictures before training on it."""
