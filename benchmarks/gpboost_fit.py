"""Crossed random effects by GPBoost, run by reml.py in an environment that has it.

    python benchmarks/gpboost_fit.py FILE.npz

Prints one JSON document: the seconds of the fit, and σ, σ_user and σ_item (maximum likelihood; the
restricted one is not GPBoost's).
"""

import json
import sys
import time

import gpboost
import numpy as np

data = np.load(sys.argv[1])
groups = np.column_stack([data["user"], data["item"]])
ones = np.ones((len(groups), 1))
started = time.perf_counter()
model = gpboost.GPModel(group_data=groups, likelihood="gaussian")
model.fit(y=data["value"].astype(np.float64), X=ones)
seconds = time.perf_counter() - started
variances = np.asarray(model.get_cov_pars(format_pandas=False)).ravel()[:3]
print(json.dumps({"seconds": seconds, "sigmas": np.sqrt(variances).tolist()}))
