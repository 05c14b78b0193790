"""Uncertainty from sufficient statistics: units, draws, intervals. No metrics, no files."""
