"""A toy workflow: three files that tests/workflows/test_toy.py puts into a copy of the product."""
