"""The losses that come with vifstats, and the base for your own."""

from vifstats.losses.base import Loss
from vifstats.losses.cox.fine_gray.loss import FineGray
from vifstats.losses.cox.loss import Cox
from vifstats.losses.edited import Edited
from vifstats.losses.embedding.infonce import InfoNCE
from vifstats.losses.embedding.node_embedding import NodeEmbedding
from vifstats.losses.embedding.triplet import Triplet
from vifstats.losses.equations import Equations, EstimatingEquations, RowEquations
from vifstats.losses.frailty import SharedFrailty
from vifstats.losses.functions import FunctionLoss
from vifstats.losses.m_estimator import MEstimator
from vifstats.losses.matched_sets.conditional_logistic import ConditionalLogistic
from vifstats.losses.matched_sets.conditional_poisson import ConditionalPoisson
from vifstats.losses.mixed.loss import MixedModel
from vifstats.losses.ranking.listwise import ListMLE, SoftmaxCrossEntropy
from vifstats.losses.ranking.paired import BradleyTerry, PlackettLuce
from vifstats.losses.regression.linear_predictor import LinearPredictor

__all__ = [
    "BradleyTerry",
    "ConditionalLogistic",
    "ConditionalPoisson",
    "Cox",
    "Edited",
    "Equations",
    "EstimatingEquations",
    "FineGray",
    "FunctionLoss",
    "InfoNCE",
    "LinearPredictor",
    "ListMLE",
    "Loss",
    "MEstimator",
    "MixedModel",
    "NodeEmbedding",
    "PlackettLuce",
    "RowEquations",
    "SharedFrailty",
    "SoftmaxCrossEntropy",
    "Triplet",
]
