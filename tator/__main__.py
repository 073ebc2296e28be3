"""`python -m tator`: the command line."""

from tator.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
