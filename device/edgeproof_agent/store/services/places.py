"""What lies in a service's folder beside its description."""

DETECTIONS = "detections"
"""The log of what was found."""
EVENTS = "events"
"""The log of what befell it."""
PROBATION = "probation.json"
LOCK = "running.lock"
"""Held by the process that runs the service."""
EVENTS_BYTES = 1 << 20
