"""What helps to deploy, run from the root of a clone; no part of the installed package."""
