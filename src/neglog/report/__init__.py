"""The report on a model's predictions: how unhappy it is, where, and why."""
