"""Graphs to try things on."""

from typing import Any

from vifstats.errors import InvalidInputError

__all__ = ["load_karate"]


def load_karate() -> Any:
    """Friendships of the 34 members of a karate club that split in two: 78 edges.

    Returns
    -------
    networkx.Graph
        Nodes 0 to 33; node 0 is the instructor, node 33 the officer around whom the club parted.
        The attribute ``club`` of a node is the side it took. Edges have a ``weight``, which the
        published embedding experiments do not use and `vifstats.losses.NodeEmbedding` does not
        read.

    Raises
    ------
    InvalidInputError
        If networkx, which ships the graph, is not installed.

    Notes
    -----
    Node 0 is the only articulation point: without it the club is in three parts, one of them node
    11 alone. networkx is under the 3-clause BSD licence.

    References
    ----------
    Zachary (1977), An information flow model for conflict and fission in small groups, J.
    Anthropol. Res. 33, 452-473.

    Examples
    --------
    >>> club = load_karate()
    >>> club.number_of_nodes(), club.number_of_edges()
    (34, 78)
    """
    try:
        from networkx import karate_club_graph
    except ImportError as error:
        raise InvalidInputError(
            "The karate club ships with networkx, which is not installed; "
            "pip install 'vifstats[graph]'."
        ) from error
    return karate_club_graph()
