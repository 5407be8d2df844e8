"""Benchmarks that `asv run` finds; nothing here imports torch."""
