"""Losses written in JAX or PyTorch, neither of which is imported before such a loss is made."""

from vifstats.losses.backends.base import BackendLoss
from vifstats.losses.backends.jax_loss import JaxLoss
from vifstats.losses.backends.torch_loss import TorchLoss

__all__ = ["BackendLoss", "JaxLoss", "TorchLoss"]
