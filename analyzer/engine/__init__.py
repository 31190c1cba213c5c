"""The rule engine: load, check, plan, evaluate, test."""
