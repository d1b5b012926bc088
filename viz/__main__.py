"""`python -m viz`: graphs, derivations and pages from the shell; see `cli`."""

from .cli.commands import main

if __name__ == "__main__":
    raise SystemExit(main())
