"""The agent as a service: a source is looked at for good, and what is found is written down."""
