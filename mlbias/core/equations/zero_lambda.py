"""Which of many optima is meant where a λ is 0: the limit of one common λ that goes to 0.

With both λ's 0, α and, in each connected component, the level of users against items are free.
The limit minimises Σb_u² + Σb_i² among all optima: Σ b_u = 0 over all users, and in each component
Σ b_u = Σ b_i. With one λ 0 only α is free: Σ b_u = Σ b_i = 0.
"""

from mlbias.core.equations.components import Components
from mlbias.core.model import Parameters, Problem


def identified(problem: Problem, at: Parameters) -> Parameters:
    """The optimum that is meant, among those with the same errors and cost as this one."""
    user, item = at.user_bias, at.item_bias
    penalty = problem.penalty
    if penalty.user > 0 and penalty.item > 0:
        return at
    if penalty.user > 0 or penalty.item > 0:
        # The penalised side's sum is zero at an optimum already.
        free = user if penalty.user == 0 else item
        shift = float(free.mean())
        if penalty.user == 0:
            return Parameters(at.alpha + shift, user - shift, item)
        return Parameters(at.alpha + shift, user, item - shift)
    found = Components.of(problem.incidence)
    n_users, n_items = found.sizes()
    users, items = found.sums(user, item)
    size = n_users + n_items
    # δ and k_C solve Σ_C (b_u) = 0 and Σ_{u in C} b_u = Σ_{i in C} b_i after the shift below.
    delta = ((users * n_items + items * n_users) / size).sum() / (n_users * n_items / size).sum()
    level = (items - users + delta * n_users) / size
    return Parameters(
        at.alpha + float(delta),
        user + level[found.user] - delta,
        item - level[found.item],
    )
