"""The losses that come with vifstats, and the base for your own."""

from vifstats.losses.base import FunctionLoss, Loss
from vifstats.losses.contrastive import InfoNCE, Triplet
from vifstats.losses.cox import Cox
from vifstats.losses.linear_predictor import LinearPredictor
from vifstats.losses.listwise import ListMLE, SoftmaxCrossEntropy
from vifstats.losses.m_estimator import MEstimator
from vifstats.losses.node_embedding import NodeEmbedding
from vifstats.losses.paired import BradleyTerry, PlackettLuce

__all__ = [
    "BradleyTerry",
    "Cox",
    "FunctionLoss",
    "InfoNCE",
    "LinearPredictor",
    "ListMLE",
    "Loss",
    "MEstimator",
    "NodeEmbedding",
    "PlackettLuce",
    "SoftmaxCrossEntropy",
    "Triplet",
]
