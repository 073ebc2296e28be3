"""How good a dataset is: what is wrong in it, how that is mended, and what it holds in numbers."""
