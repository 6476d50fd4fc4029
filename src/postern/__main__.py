"""`python -m postern`: the command line."""

from postern.cli import main

main()
