"""Stand-ins for the sources: their dialects over HTTP with moving, consistent prices and faults on demand."""
