"""Figures for Prometheus: which there are (`table`), from what they are read (`figures`), and where (`door`)."""
