"""`python -m optistruct`, the same as the command `optistruct`."""

from optistruct.cli.app import main

main()
