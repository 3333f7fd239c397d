"""Curves of survival without a model, and every deletion from them in closed form."""
