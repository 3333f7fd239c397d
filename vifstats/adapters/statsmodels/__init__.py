"""Fitted models of statsmodels, which keep their data: ``from_model(result)`` needs nothing else.

Each function takes a result and returns an `Estimate`; `reading` does what all have in common.
"""
