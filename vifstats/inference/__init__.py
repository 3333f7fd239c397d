"""How sure a fit is of its parameters: the covariance and the distribution that it reports."""

from vifstats.inference.reported import Inference

__all__ = ["Inference"]
