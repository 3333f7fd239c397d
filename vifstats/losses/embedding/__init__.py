"""Losses of embeddings: nodes near their neighbours, examples near what they belong to."""

from vifstats.losses.embedding.contrastive import Contrastive
from vifstats.losses.embedding.infonce import InfoNCE
from vifstats.losses.embedding.node_embedding import NodeEmbedding
from vifstats.losses.embedding.triplet import Triplet

__all__ = ["Contrastive", "InfoNCE", "NodeEmbedding", "Triplet"]
