"""Checks for the tutorial's exercises: each takes an answer and returns a verdict with a hint."""

from neglog.exercises._verdict import Verdict
from neglog.exercises.entropy import (
    check_binary_log_likelihood,
    check_cross_entropy,
    check_kl_divergence,
)
from neglog.exercises.gradient import check_dead_row, check_gradient, check_jacobian
from neglog.exercises.layer import check_batch_gradient, check_layer, check_linear_backward
from neglog.exercises.likelihood import check_best_normal, check_likelihood, check_log_likelihood
from neglog.exercises.methods import check_blind_row, check_method_2, check_no_epsilon
from neglog.exercises.numerics import check_confident_nll, check_logsumexp, check_streamed
from neglog.exercises.same_thing import check_equivalents, check_log_probs, check_mean_nll
from neglog.exercises.softmax import check_softmax, check_stable_softmax, check_temperature
from neglog.exercises.training import check_descend, check_mini_batches, check_total_loss
from neglog.exercises.unhappiness import (
    check_clueless,
    check_typical_probability,
    check_unhappiness,
)

__all__ = [
    "Verdict",
    "check_batch_gradient",
    "check_best_normal",
    "check_binary_log_likelihood",
    "check_blind_row",
    "check_clueless",
    "check_confident_nll",
    "check_cross_entropy",
    "check_dead_row",
    "check_descend",
    "check_equivalents",
    "check_gradient",
    "check_jacobian",
    "check_kl_divergence",
    "check_layer",
    "check_likelihood",
    "check_linear_backward",
    "check_log_likelihood",
    "check_log_probs",
    "check_logsumexp",
    "check_mean_nll",
    "check_method_2",
    "check_mini_batches",
    "check_no_epsilon",
    "check_softmax",
    "check_stable_softmax",
    "check_streamed",
    "check_temperature",
    "check_total_loss",
    "check_typical_probability",
    "check_unhappiness",
]
