"""GBSG2 as lifelines has it, with the columns of the propensity model: python write_data.py."""

from pathlib import Path

import numpy as np
import pandas as pd
from lifelines.datasets import load_gbsg2

data = load_gbsg2()
covariates = ["age", "menostat", "tsize", "tgrade", "pnodes", "progrec", "estrec"]
design = pd.get_dummies(data[covariates], drop_first=True).astype(float)
design[["progrec", "estrec"]] = np.log1p(design[["progrec", "estrec"]])
design = (design - design.mean()) / design.std()
design.insert(0, "treated", (data.horTh == "yes").astype(int))
design.insert(1, "time", data.time)
design.insert(2, "event", data.cens)
design.to_csv(Path(__file__).parent / "gbsg2.csv", index=False)
