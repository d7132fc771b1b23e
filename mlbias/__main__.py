"""Runs the command line: python -m mlbias."""

from mlbias.cli.app import main

if __name__ == "__main__":
    main()
