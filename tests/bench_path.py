"""Lets a test import what the benchmarks are made of, which import each other by bare names."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).with_name("bench")))

import draw
import edges
import results
import svg

__all__ = ["draw", "edges", "results", "svg"]
