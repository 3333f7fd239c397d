"""lifelines fits on real data: R's dfbeta, exact refits, and every mismatch named."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, CoxTimeVaryingFitter
from lifelines.datasets import load_stanford_heart_transplants
from oracles import load_case
from tolerances import CONVERGED_FIT, LIFELINES_DFBETA, LIFELINES_FIT

import vifstats as vs
from vifstats.errors import (
    DataMismatchError,
    InvalidInputError,
    InvalidTypeError,
    NotAtMinimumError,
    NotPositiveDefiniteError,
    UnsupportedModelError,
)

TIGHT = {"fit_options": {"precision": 1e-13, "r_precision": 1e-16}}
ROSSI = load_case("rossi", "efron")
DF = ROSSI.X.assign(week=ROSSI.time, arrest=ROSSI.event).set_index("s" + ROSSI.X.index.astype(str))
X, T, E = DF[ROSSI.X.columns], DF["week"], DF["arrest"]


def frame_of(case):
    given = {key: getattr(case, key) for key in ("time", "event", "entry", "weights", "strata")}
    return case.X.assign(**{key: value for key, value in given.items() if value is not None})


@cache
def fitted(name):
    """The case as lifelines fits it, ridge and all, with the frame of the fit."""
    case = load_case(name, "efron")
    frame = frame_of(case)
    options = {f"{key}_col": key for key in ("entry", "weights") if key in frame}
    penalizer = 0.0
    if case.penalty is not None:
        penalizer = case.penalty / (len(frame) * case.X.to_numpy().std(axis=0, ddof=1) ** 2)
    fitter = CoxPHFitter(penalizer=penalizer, strata="strata" if "strata" in frame else None)
    return fitter.fit(frame, "time", "event", robust="weights" in frame, **options, **TIGHT), frame


@cache
def rossi(**options):
    return CoxPHFitter(**options).fit(DF, "week", "arrest", **TIGHT)


def newton_step(est):
    """How far the fit is from the minimum of our loss, in standard errors."""
    step = est.factor.solve(est.loss.gradient(est.theta))
    return np.max(np.abs(step) / est.standard_errors)


def fit_copy(base, **attributes):
    """A fit with some settings changed, as nobody can fit quickly."""
    other = object.__new__(type(base))
    other.__dict__.update(base.__dict__)
    for name, value in attributes.items():
        setattr(other, name, value)
    return other


CASES = ["rossi", "rossi_ridge", "lung", "lung_strata_weights", "veteran", "veteran_entry", "pbc"]


@pytest.mark.parametrize("name", CASES)
def test_real_fits_equal_r(name):
    fit, frame = fitted(name)
    case = load_case(name, "efron")
    est = vs.from_model(fit, frame)
    assert newton_step(est) < LIFELINES_FIT
    np.testing.assert_allclose(est.covariance, fit.variance_matrix_, rtol=LIFELINES_DFBETA)
    found = vs.vif_cox(fit, frame, method="if").dfbeta
    np.testing.assert_allclose(found, case.dfbeta, atol=LIFELINES_DFBETA, rtol=0)
    some = vs.leave_one_out(est, objects=case.refits.index)
    np.testing.assert_allclose(some.params_without, case.refits, atol=LIFELINES_DFBETA, rtol=0)


def test_rossi_against_all_refits():
    est = vs.from_model(*fitted("rossi"))
    refits = vs.leave_one_out(est)
    by_vif, by_newton = (vs.compare(f(est), refits) for f in (vs.vif, vs.newton_step))
    assert by_vif.pearson.min() >= 0.9995
    assert by_vif.slope.between(1.00, 1.07).all()
    assert by_newton.slope.between(0.995, 1.04).all()
    assert by_newton.frobenius <= 0.03


@pytest.mark.parametrize(
    ("name", "frobenius"),
    # vif and newton against refits, as measured: the size depends on the data, the order does not
    [
        ("lung", (0.09, 0.01)),
        ("lung_strata_weights", (0.07, 0.01)),
        ("veteran_entry", (0.13, 0.02)),
    ],
)
def test_complications_against_all_refits(name, frobenius):
    est = vs.from_model(*fitted(name))
    refits = vs.leave_one_out(est)
    for method, bound in zip((vs.vif, vs.newton_step), frobenius, strict=True):
        assert vs.compare(method(est), refits).frobenius < bound


@pytest.mark.parametrize("method", ["if", "vif", "newton", "refit"])
def test_a_row_censored_before_the_first_event_has_exactly_no_influence(method):
    early = pd.concat([DF, DF.iloc[[7]].assign(week=0.5, arrest=0).rename(index={"s7": "early"})])
    fit = CoxPHFitter().fit(early, "week", "arrest")  # not tight: exactness must not depend on it
    influence = vs.vif_cox(fit, early, method=method)
    assert (influence.dfbeta.loc["early"] == 0).all()
    assert influence.status["early"] == "no influence"


def test_rows_and_columns_keep_the_names_of_the_user():
    found = vs.vif_cox(rossi(), DF).dfbeta
    assert list(found.columns) == list(X.columns)
    assert found.index.equals(DF.index)


@pytest.mark.parametrize(
    "data",
    [
        (X, T, E),
        (X.iloc[:, ::-1], T, E),
        (X.to_numpy(), T.to_numpy(), E.to_numpy()),
        (X.to_numpy(), T, E),
        (X.assign(unused="text"), T, E.astype(bool)),
        (DF.sample(frac=1, random_state=1),),
        (DF.astype("Float64"),),
    ],
    ids=[
        "X, T, E",
        "columns reordered",
        "arrays",
        "X an array",
        "more columns",
        "rows reordered",
        "nullable",
    ],
)
def test_the_same_data_in_other_forms(data):
    expected = vs.vif_cox(rossi(), DF).dfbeta
    found = vs.vif_cox(rossi(), *data).dfbeta
    if isinstance(data[0], pd.DataFrame):
        found = found.loc[expected.index]
    np.testing.assert_allclose(found, expected, atol=CONVERGED_FIT)


def test_a_structured_array_may_stand_for_T_and_E():
    y = np.rec.fromarrays([E.astype(bool), T], dtype=[("event", bool), ("time", float)])
    found = vs.vif_cox(rossi(), X, y)
    np.testing.assert_array_equal(found.values, vs.vif_cox(rossi(), X, T, E).values)


@pytest.mark.parametrize(
    "penalizer", [0.1, np.linspace(0, 0.3, 7)], ids=["number", "one for each parameter"]
)
def test_the_ridge_is_that_of_lifelines_with_weights_and_strata(penalizer):
    frame = DF.assign(w=1 + np.arange(len(DF)) % 3)
    part = penalizer if np.ndim(penalizer) == 0 else penalizer[:-1]
    fit = CoxPHFitter(penalizer=part, strata=["race"])
    fit.fit(frame, "week", "arrest", weights_col="w", **TIGHT)
    est = vs.from_model(fit, frame)
    assert newton_step(est) < LIFELINES_FIT
    keywords = {"weights": frame["w"], "strata": frame["race"]}
    assert newton_step(vs.from_model(fit, X, T, E, **keywords)) < LIFELINES_FIT


def test_a_formula_makes_the_design_and_reads_profiles():
    frame = DF.assign(group=np.where(DF["age"] > 25, "old", "young"))
    fit = CoxPHFitter().fit(frame, "week", "arrest", formula="fin * prio + C(group)", **TIGHT)
    est = vs.from_model(fit, frame)
    assert est.names == ("fin", "prio", "C(group)[T.young]", "fin:prio")
    assert newton_step(est) < LIFELINES_FIT
    change = vs.vif(est).on(vs.targets.RelativeRisk({"fin": 1, "prio": 2, "group": "young"}))
    assert change.value[0] == pytest.approx(np.exp(est.theta @ [1, 2, 1, 2]))
    with pytest.raises(DataMismatchError, match=r"lack \['group'\]"):
        vs.vif_cox(fit, DF)
    with pytest.raises(InvalidTypeError, match="formula.*needs names.*ndarray"):
        vs.vif_cox(fit, X.to_numpy(), T, E)
    with pytest.raises(DataMismatchError, match="must not be missing, but are in 1 rows"):
        vs.vif_cox(fit, frame.assign(prio=[np.nan, *frame["prio"][1:]]))


def test_a_level_that_was_not_fitted_is_not_taken_for_the_reference():
    frame = DF.assign(group=np.where(DF["age"] > 25, "old", "young"))
    fit = CoxPHFitter().fit(frame, "week", "arrest", formula="fin + C(group)")
    with pytest.raises(DataMismatchError, match="levels that were fitted.*'ancient'"):
        vs.vif_cox(fit, frame.assign(group=["ancient", *frame["group"][1:]]))


def test_names_of_columns_may_be_numbers():
    frame = DF.assign(w=1 + np.arange(len(DF)) % 3).set_axis(range(10), axis=1)
    time, event = DF.columns.get_indexer(["week", "arrest"]).tolist()
    fit = CoxPHFitter().fit(frame, time, event, weights_col=9)
    named = CoxPHFitter().fit(DF.assign(w=frame[9]), "week", "arrest", weights_col="w")
    expected = vs.vif_cox(named, DF.assign(w=frame[9]))
    np.testing.assert_allclose(vs.vif_cox(fit, frame).values, expected.values, atol=CONVERGED_FIT)
    with pytest.raises(DataMismatchError, match=r"weights from \[9\], but the data have no such"):
        vs.vif_cox(fit, frame.drop(columns=9))


def test_a_fit_without_event_column_is_all_events():
    died = DF.query("arrest == 1").drop(columns="arrest")
    fit = CoxPHFitter().fit(died, "week", **TIGHT)
    assert newton_step(vs.from_model(fit, died)) < LIFELINES_FIT
    assert newton_step(vs.from_model(fit, died[X.columns], died["week"])) < LIFELINES_FIT


def swapped_pair(frame, column):
    """Two rows of different time exchange their entries of a column."""
    values = frame[column].to_numpy().copy()
    values[[0, 5]] = values[[5, 0]]
    return frame.assign(**{column: values})


OTHER_ROWS = "must be the rows the model was fitted on"


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        ((), "keeps no covariates.*none are given"),
        ((DF.iloc[:-1],), f"{OTHER_ROWS}, but it was fitted on 432 rows and these are 431"),
        (
            (DF.assign(week=[1.0, *T[1:]]),),
            f"{OTHER_ROWS}, but `T` differ: 1 rows.*row 0.*'s0'.*T = 1",
        ),
        ((DF.assign(arrest=1 - E),), f"{OTHER_ROWS}, but `E` differ"),
        ((swapped_pair(DF, "arrest"),), f"{OTHER_ROWS}, but the pairing of T, E.*differ: 2 rows"),
        ((DF.drop(columns="prio"),), r"columns that were fitted, but lack \['prio'\]"),
        ((DF.drop(columns="week"),), r"lack \['week'\]"),
        ((DF.drop(columns="arrest"),), r"E from \['arrest'\].*no such"),
        ((X, T), "`E` may be None only if the fit had no event column, but it had 'arrest'"),
        ((X.iloc[:, :3].to_numpy(), T, E), r"one column per parameter.*\(432, 3\)"),
    ],
    ids=lambda value: "" if isinstance(value, tuple) else value[-20:],
)
def test_other_data_than_those_of_the_fit(data, parts):
    with pytest.raises(DataMismatchError, match=parts):
        vs.vif_cox(rossi(), *data)


@pytest.mark.parametrize(
    ("data", "options", "error", "parts"),
    [
        ((X.to_numpy(),), {}, InvalidTypeError, "only for a DataFrame with 'week'.*ndarray"),
        ((DF, None, E), {}, InvalidInputError, "`E` comes with `T`"),
        ((X, E, T), {}, InvalidInputError, "look swapped"),
        ((X, T, E + 1), {}, InvalidInputError, "coded 1/2"),
        ((X, T.iloc[::-1], E), {}, InvalidInputError, "labels of the data in the same order"),
        ((X.assign(prio="many"), T, E), {}, InvalidTypeError, "'prio'.*'many'.*get_dummies"),
        (([[1, 2], [3]], T, E), {}, InvalidTypeError, "`X` must be an array.*inhomogeneous"),
        ((DF[["age", *DF.columns]],), {}, InvalidInputError, r"have \['age'\] more than once"),
        ((DF,), {"ties": "breslow"}, InvalidInputError, "lifelines used 'efron', but it is 'bres"),
        ((DF,), {"offset": T}, InvalidInputError, "no offset, but `offset` is given"),
        ((DF,), {"strata": DF["race"]}, InvalidInputError, "without strata, but `strata`"),
        ((DF,), {"weights": T}, DataMismatchError, "`weights` differ"),
        ((DF,), {"entry": T - 1}, DataMismatchError, "`entry` differ"),
        ((DF,), {"groups": [1, 2]}, InvalidInputError, "432 rows, `groups` has 2"),
        ((DF,), {"groups": [None] * 432}, InvalidInputError, "`groups` must not be missing"),
        ((DF,), {"penalty": 1.0}, NotAtMinimumError, "penalty are those of the fit"),
    ],
)
def test_other_settings_than_those_of_the_fit(data, options, error, parts):
    with pytest.raises(error, match=parts):
        vs.vif_cox(rossi(), *data, **options)


def test_rows_whose_covariates_were_exchanged_are_not_at_the_minimum():
    exchanged = X.sample(frac=1, random_state=1).set_axis(X.index)
    with pytest.raises(NotAtMinimumError, match="standard errors away"):
        vs.vif_cox(rossi(), exchanged, T, E)


def test_a_constant_covariate_is_named():
    with pytest.raises(NotPositiveDefiniteError, match=r"\['mar'\] are constant"):
        vs.vif_cox(rossi(), DF.assign(mar=1))


def test_fits_that_cannot_be_taken():
    piecewise = {"baseline_estimation_method": "piecewise", "breakpoints": [26.0]}
    parts_of = CoxPHFitter(strata="race", **piecewise).fit(DF, "week", "arrest")
    unfitted = CoxPHFitter(), CoxTimeVaryingFitter()
    lasso = CoxPHFitter(penalizer=0.1, l1_ratio=0.5).fit(DF, "week", "arrest")
    for fit, parts in [
        (parts_of, "Strata of a piecewise baseline.*fit the strata apart"),
        (lasso, "l1_ratio = 0.5.*no Hessian.*l1_ratio=0"),
        *((fit, "must be fitted, but this Cox.* is not") for fit in unfitted),
    ]:
        with pytest.raises(UnsupportedModelError, match=parts):
            vs.vif_cox(fit, DF)


def test_a_penalty_is_refused_where_the_fit_has_its_own():
    with pytest.raises(InvalidInputError, match="penalty is that of the fit, but `penalty` is"):
        vs.vif_cox(rossi(penalizer=0.1), DF, penalty=1.0)


def test_what_the_fit_used_must_be_there():
    fit, frame = fitted("lung_strata_weights")
    case = load_case("lung_strata_weights", "efron")
    data = case.X, case.time, case.event
    with pytest.raises(DataMismatchError, match=r"weights from \['weights'\].*pass weights="):
        vs.vif_cox(fit, *data)
    with pytest.raises(DataMismatchError, match=r"strata from \['strata'\].*`strata` is \['age'\]"):
        vs.vif_cox(fit, *data, weights=case.weights, strata=case.X["age"])
    doubled = frame.assign(weights=2 * frame["weights"])
    with pytest.raises(DataMismatchError, match="`weights` differ"):
        vs.vif_cox(fit, doubled)
    assert (
        newton_step(vs.from_model(fit, *data, weights=case.weights, strata=case.strata))
        < LIFELINES_FIT
    )


HEART = load_stanford_heart_transplants()
ROLES = {"event_col": "event", "start_col": "start", "stop_col": "stop"}


@pytest.mark.parametrize(
    ("penalizer", "options"),
    [
        (0.0, {"id_col": "id"}),
        (0.1, {"id_col": "id"}),
        (np.array([0.1, 0.0, 0.2, 0.3]), {"id_col": "id", "weights_col": "w", "strata": ["s"]}),
        (0.1, {"formula": "age * transplant", "weights_col": "w"}),
    ],
    ids=["plain", "ridge", "ridge, weights, strata", "formula without id"],
)
def test_time_varying_fits(penalizer, options):
    frame = HEART.assign(w=1 + HEART["id"] % 3, s=HEART["id"] % 2)
    used = {"id", "w", "s"} & {
        options.get("id_col"),
        options.get("weights_col"),
        *options.get("strata", []),
    }
    frame = frame.drop(columns={"id", "w", "s"} - used)
    fit = CoxTimeVaryingFitter(penalizer=penalizer).fit(frame, **ROLES, **options, **TIGHT)
    est = vs.from_model(fit, frame)
    assert newton_step(est) < CONVERGED_FIT
    rows = vs.vif(est).dfbeta.index
    assert len(rows) == (HEART["id"].nunique() if "id_col" in options else len(HEART))


def test_subjects_leave_whole_as_in_r():
    case = load_case("heart", "efron")
    frame = frame_of(case).assign(id=case.id)
    roles = {"event_col": "event", "start_col": "entry", "stop_col": "time", "id_col": "id"}
    fit = CoxTimeVaryingFitter().fit(frame, **roles, **TIGHT)
    found = vs.vif_cox(fit, frame, method="if").dfbeta
    np.testing.assert_allclose(
        found.loc[case.dfbeta_id.index], case.dfbeta_id, atol=LIFELINES_DFBETA
    )
    with pytest.raises(DataMismatchError, match=f"{OTHER_ROWS}, but `entry` differ"):
        vs.vif_cox(fit, frame.assign(entry=frame["entry"] - 0.5))
    with pytest.raises(DataMismatchError, match=r"groups from \['id'\].*pass groups="):
        vs.vif_cox(fit, case.X, case.time, case.event, entry=case.entry)
