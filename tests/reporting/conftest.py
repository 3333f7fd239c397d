"""Reports for all tests of what a page says: one of rossi, and one of each kind of model."""

from functools import cache

import clinical_fits
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from lifelines import CoxPHFitter
from matplotlib.figure import Figure

import vifstats as vs
from vifstats.datasets import load_rossi
from vifstats.reporting import describe


@pytest.fixture(scope="session")
def estimate():
    """Rossi, its men called by a name that no number can be taken for."""
    rossi = load_rossi().set_index(pd.Index([f"m{i:03d}x" for i in range(432)]))
    fit = CoxPHFitter().fit(rossi, "week", "arrest")
    return vs.from_model(fit, rossi)


@pytest.fixture(scope="session")
def document(estimate):
    return describe(estimate, unit="man", seconds=6.0, command="vifstats cox")


@pytest.fixture(scope="session")
def private(estimate):
    return describe(estimate, unit="man", seconds=3.0, rows=False)


def of_lung():
    return describe(clinical_fits.lung(), seconds=1.0)


def of_metabric():
    return describe(clinical_fits.metabric(), unit="patient", seconds=3.0)


def of_a_logistic_regression():
    data = sm.datasets.spector.load_pandas().data
    X = sm.add_constant(data.drop(columns="GRADE"))
    fit = sm.Logit(data["GRADE"], X).fit(disp=0)
    return describe(vs.from_model(fit), unit="student", table=data, seconds=2.0)


def of_sites():
    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.normal(size=(90, 2)), columns=["age", "dose"])
    loss = vs.losses.Cox(X, rng.exponential(size=90), rng.random(90) < 0.7)
    sites = np.repeat([f"s{i:02d}" for i in range(30)], 3)
    return describe(vs.vif(vs.minimize(loss, np.zeros(2)), groups=sites), unit="site")


@cache
def of_sixty_covariates():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(200, 60)), columns=[f"x{j}" for j in range(60)])
    loss = vs.losses.Cox(X, rng.exponential(size=200), rng.random(200) < 0.7)
    return describe(vs.minimize(loss, np.zeros(60)), seconds=0.2)


def of_an_embedding():
    """Its parameters may turn together, so none has a meaning of its own."""
    graph = nx.Graph([(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (0, 2), (1, 3)])
    loss = vs.losses.NodeEmbedding(graph, dim=2, ridge=0.5)
    return describe(vs.minimize(loss, loss.start()), unit="node", seconds=2.0)


def drawn_only(draw, size=(4.4, 2.8)):
    """A picture that is neither laid out nor written, which takes longer than the rest."""
    draw(Figure(figsize=size).add_subplot())
    return "<svg></svg>"


MODELS = {
    "lung": of_lung,
    "metabric": of_metabric,
    "logistic regression": of_a_logistic_regression,
    "sites": of_sites,
    "sixty covariates": of_sixty_covariates,
    "embedding": of_an_embedding,
}


@pytest.fixture(scope="session")
def sixty_covariates():
    return of_sixty_covariates()


@pytest.fixture(scope="session", params=["rossi", "private", *MODELS])
def any_document(request):
    """Pictures of the first two are those of a report; of the others they are only drawn."""
    if request.param in MODELS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("vifstats.plots.as_svg", drawn_only)
            return MODELS[request.param]()
    return request.getfixturevalue({"rossi": "document"}.get(request.param, request.param))


@pytest.fixture
def no_pictures(monkeypatch):
    """For tests of numbers: pictures are what takes the time."""
    monkeypatch.setattr("vifstats.reporting.assemble.figures", lambda *args: {})


@pytest.fixture
def unwritten(monkeypatch):
    """Pictures are only drawn."""
    monkeypatch.setattr("vifstats.plots.as_svg", drawn_only)
