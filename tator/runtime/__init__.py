"""Models at work: found, loaded within a budget, lent to calls, asked about images."""
