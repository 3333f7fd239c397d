"""Ways to solve with a Hessian: each solver is a small frozen value, factored once."""

from vifstats.solvers.base import Factor, HessianProduct, Solution, Solver
from vifstats.solvers.cholesky import SINGULAR, Cholesky
from vifstats.solvers.conjugate_gradient import ConjugateGradient
from vifstats.solvers.eigen import Eigen
from vifstats.solvers.lanczos import Lanczos
from vifstats.solvers.lissa import LiSSA
from vifstats.solvers.lu import LU

__all__ = [
    "LU",
    "SINGULAR",
    "Cholesky",
    "ConjugateGradient",
    "Eigen",
    "Factor",
    "HessianProduct",
    "Lanczos",
    "LiSSA",
    "Solution",
    "Solver",
]
