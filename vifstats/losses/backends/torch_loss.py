"""A loss written in PyTorch."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from vifstats import checks
from vifstats.errors import InvalidInputError, InvalidTypeError
from vifstats.losses.backends.base import BackendLoss
from vifstats.losses.backends.library import Entries, Library

__all__ = ["TorchLoss"]


class TorchLoss(BackendLoss):
    """A loss ``f(net, b)`` written in PyTorch, of a module or of named tensors.

    The module is called with other parameters than its own by ``torch.func`` and is never changed.
    PyTorch is imported when the first such loss is made.

    Parameters
    ----------
    f : callable
        ``f(net, b)``, a sum over objects in which an object at b == 0 leaves no trace. ``net`` is
        called like the module, and has ``parameters()``; of tensors it is a dict of them, or the
        one tensor. With `outputs`, ``f(outputs(net), b)``.
    n_objects : int
    module_or_theta : torch.nn.Module, dict of tensors, or tensor
        Of float64. Parameters of a module that need no gradient stay as they are.
    outputs, penalty, labels, names, gauge
        As for `JaxLoss`.
    block : int, optional
        Presences that are differentiated at a time; default what fits 1 GB, by the tensors that
        one gradient keeps.

    Raises
    ------
    InvalidInputError
        If the parameters are not of float64, or the module draws random numbers or updates
        buffers when it is called.
    LossError
        If ``torch.func`` cannot follow `f`, or `f` returns anything but one float64.

    Notes
    -----
    On a machine without PyTorch, or with none of its derivatives for an operation, the same model
    can be given to `linearized` by its outputs and their Jacobian.
    """

    def __init__(
        self,
        f: Callable[[Any, Any], Any],
        n_objects: int,
        module_or_theta: Any,
        *,
        outputs: Callable[[Any], Any] | None = None,
        penalty: float | Callable[[Any], Any] | None = None,
        labels: Sequence | pd.Index | None = None,
        names: Sequence[str] | None = None,
        gauge: Callable[[np.ndarray], np.ndarray] | None = None,
        block: int | None = None,
    ) -> None:
        super().__init__(
            f,
            n_objects,
            module_or_theta,
            outputs=outputs,
            penalty=penalty,
            labels=labels,
            names=names,
            gauge=gauge,
            block=block,
        )

    def _taken(self, theta: Any) -> tuple[Entries, np.ndarray]:
        torch = _torch()
        self._module = theta if isinstance(theta, torch.nn.Module) else None
        self._bare = isinstance(theta, torch.Tensor)
        tensors = _tensors(torch, theta)
        entries = Entries(tuple(tensors), tuple(tuple(t.shape) for t in tensors.values()))
        remedy = "call .double() of the module or tensor, and make its data of float64 too."
        types = [str(t.dtype).removeprefix("torch.") for t in tensors.values()]
        entries.require_floats(types, remedy)
        vector = torch.cat([t.detach().reshape(-1) for t in tensors.values()])
        self._device = str(vector.device)
        return entries, vector.cpu().numpy().copy()

    @cached_property
    def library(self) -> Library:
        return Torch(self._device)

    def arguments(self, vector: np.ndarray) -> Any:
        parts = self.entries.parts(vector)
        if self._bare:
            return parts[0]
        tensors = dict(zip(self.entries.names, parts, strict=True))
        return tensors if self._module is None else Called(self._module, tensors)

    def unflatten(self, theta: np.ndarray) -> Any:
        vector = self.library.array(checks.parameters(theta, self.n_params))
        parts = self.entries.parts(vector)
        return parts[0] if self._bare else dict(zip(self.entries.names, parts, strict=True))


class Called:
    """A module with other parameters than its own, shape by shape the same."""

    def __init__(self, module: Any, tensors: dict[str, Any]) -> None:
        self.module, self.tensors = module, tensors

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        call = _torch().func.functional_call
        return call(self.module, self.tensors, arguments, options)

    def parameters(self) -> Iterator[Any]:
        """The estimated parameters, as the module would give them."""
        return iter(self.tensors.values())

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        """The estimated parameters with their names, as the module would give them."""
        return iter(self.tensors.items())


class Torch(Library):
    """The transforms of torch.func; `device`: where tensors are put."""

    remedy = (
        "Write it in functions of torch: where() in place of `if` and `while` on parameters or b, "
        "no .item(), .numpy() or float() around them, nothing assigned in place, and every tensor "
        "of float64."
    )

    failures = (*Library.failures, UserWarning)

    def __init__(self, device: str) -> None:
        self.device = device

    def __str__(self) -> str:
        return "PyTorch"

    def array(self, values: Any) -> Any:
        torch = _torch()
        # as_tensor would share memory that we may write to
        return torch.tensor(np.asarray(values), dtype=torch.float64, device=self.device)

    def plain(self, array: Any) -> np.ndarray:
        return array.detach().cpu().numpy().copy()

    def grad(self, f: Callable[..., Any], k: int = 0) -> Callable[..., Any]:
        return _torch().func.grad(f, k)

    def vmap(self, f: Callable[..., Any], mapped: tuple[int | None, ...]) -> Callable[..., Any]:
        return _torch().func.vmap(f, mapped)

    def compiled(self, f: Callable[..., Any]) -> Callable[..., Any]:
        return f

    def tried(self, f: Callable[..., Any], *arguments: Any) -> Any:
        with warnings.catch_warnings():
            # all that PyTorch says where float() cuts a derivative off
            warnings.filterwarnings("error", "Converting a tensor with requires_grad")
            return f(*arguments)

    def dot(self, x: Any, y: Any) -> Any:
        return (x * y).sum()

    def bytes_of_gradient(
        self, f: Callable[..., Any], gradient: Callable[..., Any], *arguments: Any
    ) -> int:
        kept = [0]

        def weigh(tensor: Any) -> Any:
            kept[0] += tensor.numel() * tensor.element_size()
            return tensor

        first, *others = arguments
        hooks = _torch().autograd.graph.saved_tensors_hooks
        with hooks(weigh, lambda tensor: tensor):
            f(first.requires_grad_(), *others)
        # on the way back there is a slope of each
        return 2 * kept[0]


def _torch() -> Any:
    """PyTorch, at the first loss that is written in it."""
    try:
        import torch
    except ImportError as error:
        raise InvalidTypeError(
            "A TorchLoss needs PyTorch, which is not installed; pip install 'vifstats[torch]', or "
            "the build for your device."
        ) from error
    return torch


def _tensors(torch: Any, module_or_theta: Any) -> dict[str, Any]:
    """The tensors that are estimated, by name."""
    if isinstance(module_or_theta, torch.nn.Module):
        _require_constant(torch, module_or_theta)
        named = module_or_theta.named_parameters()
        return {name: tensor for name, tensor in named if tensor.requires_grad}
    if isinstance(module_or_theta, torch.Tensor):
        return {"": module_or_theta}
    if isinstance(module_or_theta, Mapping) and all(
        isinstance(tensor, torch.Tensor) for tensor in module_or_theta.values()
    ):
        return dict(module_or_theta)
    raise InvalidTypeError(
        "`module_or_theta` must be a torch.nn.Module, a dict of tensors or a tensor, but is "
        f"{type(module_or_theta).__name__}; pass what is estimated."
    )


def _require_constant(torch: Any, module: Any) -> None:
    """Nothing in it is random, or updates buffers or reads all rows, as batch norm in training."""
    random = torch.nn.modules.dropout._DropoutNd
    for name, part in module.named_modules():
        if part.training and (isinstance(part, random) or len(list(part.buffers(recurse=False)))):
            raise InvalidInputError(
                "A module must be a function of its parameters, but in training mode "
                f"`{name or type(module).__name__}`, a {type(part).__name__}, draws random numbers "
                "or updates its buffers; call module.eval() first."
            )
