"""Measures one trial in its own process: clock, counting oracle, event log, snapshots, the one loop."""
