"""Tator: extend an object-detection dataset with far less drawing."""
