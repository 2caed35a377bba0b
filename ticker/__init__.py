"""A crypto price ticker that sites run themselves: sources → settled price → store → widget and JSON."""

__version__ = "0.1.0"
