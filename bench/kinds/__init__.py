"""Kinds of jobs for benchmarks only."""
