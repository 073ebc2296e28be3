"""Models at work: found, loaded within a budget, lent, asked about images."""
