"""Geometry and pixels: boxes, masks, tiles, features; NumPy in, NumPy out."""
