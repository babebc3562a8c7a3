"""Sight: metrics of all workers on one page, what events count for, verifiers that fell silent, anomalies. Knows only ports."""
