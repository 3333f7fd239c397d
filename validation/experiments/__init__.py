"""The registry: every experiment, in the order of the page."""

from __future__ import annotations

from validation.experiment import Experiment
from validation.experiments import (
    closed_form,
    cost,
    digits,
    epsilon_sweep,
    equations,
    few_clusters,
    gradient_of_difference,
    karate,
    m_estimators,
    matched_sets,
    mixed_models,
    networks,
    nonconvexity,
    peer_errors,
    peers,
    published_cox,
    ranking,
    sample_size,
    several_models,
    solvers,
    table1_cox,
    table2_seconds,
    table3_sizes,
    table4_metabric,
    targets,
    unconverged,
    where_if_fails,
)

__all__ = ["EXPERIMENTS"]

_IN_ORDER: tuple[Experiment, ...] = (
    table1_cox.EXPERIMENT,
    published_cox.EXPERIMENT,
    *karate.EXPERIMENTS,
    *ranking.EXPERIMENTS,
    table2_seconds.EXPERIMENT,
    table3_sizes.EXPERIMENT,
    table4_metabric.EXPERIMENT,
    *closed_form.EXPERIMENTS,
    epsilon_sweep.EXPERIMENT,
    sample_size.EXPERIMENT,
    unconverged.EXPERIMENT,
    nonconvexity.EXPERIMENT,
    cost.EXPERIMENT,
    gradient_of_difference.EXPERIMENT,
    peers.EXPERIMENT,
    peer_errors.EXPERIMENT,
    m_estimators.EXPERIMENT,
    matched_sets.EXPERIMENT,
    where_if_fails.EXPERIMENT,
    mixed_models.EXPERIMENT,
    equations.EXPERIMENT,
    networks.EXPERIMENT,
    digits.EXPERIMENT,
    several_models.EXPERIMENT,
    few_clusters.EXPERIMENT,
    targets.EXPERIMENT,
    *solvers.EXPERIMENTS,
)
EXPERIMENTS = {experiment.name: experiment for experiment in _IN_ORDER}
