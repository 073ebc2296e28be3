"""The backends, one a file; what several share begins with an underscore."""
