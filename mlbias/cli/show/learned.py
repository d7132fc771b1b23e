"""What was learned of λ, as lines for people and as JSON."""

import math
from dataclasses import asdict
from typing import Any

from mlbias.cli.show.console import Output
from mlbias.core.reml.learn import Learned
from mlbias.core.reml.noise_prior import NoisePrior
from mlbias.core.reml.standard_errors import interval


def report_learned(output: Output, learned: Learned) -> None:
    """A few lines below the data: the components and the λ's, and how well they are known."""
    c, e = learned.components, learned.stderr
    output.line(
        f"learned: σ {_number(c.sigma, e.sigma)}, "
        f"users' {_number(c.sigma_user, e.sigma_user)}, "
        f"items' {_number(c.sigma_item, e.sigma_item)}"
    )
    if learned.noise is not None:
        output.line(_noise(learned.noise))
    user, item, rest = (f"{100 * share:.1f} %" for share in learned.shares)
    output.line(
        f"λ users {_number(c.lambda_user, e.lambda_user, 3)}, "
        f"items {_number(c.lambda_item, e.lambda_item, 3)}"
    )
    output.line(f"shares of variance: users {user}, items {item}, rest {rest}")
    if not c.has_converged:
        output.notice(f"the search for lambda did not converge: {c.reason}")
    output.line(f"checked {_checked(learned)}")
    if learned.check.n_probes:
        output.line(
            "error bars of three sampled users are off by "
            f"{_at_most(learned.check.user_stderr)}, of three items by "
            f"{_at_most(learned.check.item_stderr)}"
        )


def document_learned(learned: Learned) -> dict[str, Any]:
    """The same under the names that it has in JSON."""
    c, e = learned.components, learned.stderr
    user, item, rest = learned.shares
    return {
        "sigma": c.sigma,
        "sigma_user": c.sigma_user,
        "sigma_item": c.sigma_item,
        "sigma_stderr": e.sigma,
        "sigma_user_stderr": e.sigma_user,
        "sigma_item_stderr": e.sigma_item,
        "sigma_interval": _interval(c.sigma, e.sigma),
        "sigma_user_interval": _interval(c.sigma_user, e.sigma_user),
        "sigma_item_interval": _interval(c.sigma_item, e.sigma_item),
        "lambda_user": c.lambda_user,
        "lambda_item": c.lambda_item,
        "lambda_user_stderr": e.lambda_user,
        "lambda_item_stderr": e.lambda_item,
        "alpha_stderr": learned.alpha_stderr,
        "n_parameters": learned.n_parameters,
        "shares": {"user": user, "item": item, "rest": rest},
        "log_likelihood": learned.log_likelihood,
        "noise": None if learned.noise is None else _document_noise(learned.noise),
        "by": learned.by,
        "rounds": c.rounds,
        "residual": c.residual,
        "converged": c.has_converged,
        "reason": c.reason,
        "check": asdict(learned.check),
    }


def _noise(prior: NoisePrior) -> str:
    if prior.freedom == math.inf:
        return "noise: users do not differ enough, so that one σ serves all"
    return (
        f"noise: each user's own, σ around {math.sqrt(prior.variance):.4f}, "
        f"{prior.freedom:.1f} degrees of freedom"
    )


def _document_noise(prior: NoisePrior) -> dict[str, float | None]:
    freedom = None if prior.freedom == math.inf else prior.freedom
    return {"sigma": math.sqrt(prior.variance), "freedom": freedom}


def _interval(sigma: float, stderr: float | None) -> list[float] | None:
    """The 95 % interval; None where it is not known."""
    return None if stderr is None else list(interval(sigma, stderr))


def _checked(learned: Learned) -> str:
    check = learned.check
    if learned.by == "dense":
        return "by a dense inverse, exactly"
    if learned.by == "sparse":
        return "by a sparse factorisation, exactly"
    if learned.by == "boundary":
        return "on the boundary, where a component is 0, in closed form"
    errors = (
        f"users' {100 * check.lambda_user:+.2f} ± {100 * check.lambda_user_error:.2f} %, "
        f"items' {100 * check.lambda_item:+.2f} ± {100 * check.lambda_item_error:.2f} %"
    )
    done = "was off by" if check.is_corrected else "is off by"
    known = "" if check.is_known else ", and is known no better"
    return f"by {2 * check.n_probes} probes: λ {done} {errors}{known}"


def _at_most(share: float) -> str:
    return f"{100 * share:.1f} %"


def _number(value: float | None, error: float | None, decimals: int = 4) -> str:
    """With its standard error, where there is one."""
    if value is None:
        return "infinite (all biases 0)"
    return f"{value:.{decimals}f}" + ("" if error is None else f" ± {error:.{decimals}f}")
