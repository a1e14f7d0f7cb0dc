"""What other methods reach on the very same splits, batches and number of steps."""
