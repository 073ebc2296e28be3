"""What is promised, measured: `make bench`. A module with rows() a subject."""
