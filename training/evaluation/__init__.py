"""Testing by a named protocol, and what a run leaves to read."""
