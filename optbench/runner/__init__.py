"""Runs plans: a fork server, one child a pass, hard limits, a store that survives being killed."""
