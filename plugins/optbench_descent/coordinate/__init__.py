"""Coordinate descent: f is lowered over one block of coordinates at a time."""
