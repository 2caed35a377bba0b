"""Pictures of a board: HTML that is complete without script. Knows nothing of the service behind it."""
