"""`python -m edgeproof`."""

from edgeproof.cli.main import main

if __name__ == "__main__":
    main()
