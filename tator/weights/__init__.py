"""Weights of models: where they are, how to get them, checked before reading."""
