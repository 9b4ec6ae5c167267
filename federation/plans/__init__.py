"""Which family learns which model, from which of its rows, and what comes of it."""

from federation.plans.plan import PLANS, Plan, plan, schema_digest

__all__ = ["PLANS", "Plan", "plan", "schema_digest"]
