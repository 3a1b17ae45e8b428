"""The checks of the exercises, with verdicts in Korean: the import chooses the language.

>>> from neglog.exercises.ko import check_temperature
>>> check_temperature(1.0)
아직: 답한 값은 1입니다. 두 확률의 비는 exp(로짓의 차이 / T)입니다.
"""

from neglog import exercises
from neglog.exercises._verdict import Verdict
from neglog.exercises._words import in_korean

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

check_batch_gradient = in_korean(exercises.check_batch_gradient)
check_best_normal = in_korean(exercises.check_best_normal)
check_binary_log_likelihood = in_korean(exercises.check_binary_log_likelihood)
check_blind_row = in_korean(exercises.check_blind_row)
check_clueless = in_korean(exercises.check_clueless)
check_confident_nll = in_korean(exercises.check_confident_nll)
check_cross_entropy = in_korean(exercises.check_cross_entropy)
check_dead_row = in_korean(exercises.check_dead_row)
check_descend = in_korean(exercises.check_descend)
check_equivalents = in_korean(exercises.check_equivalents)
check_gradient = in_korean(exercises.check_gradient)
check_jacobian = in_korean(exercises.check_jacobian)
check_kl_divergence = in_korean(exercises.check_kl_divergence)
check_layer = in_korean(exercises.check_layer)
check_likelihood = in_korean(exercises.check_likelihood)
check_linear_backward = in_korean(exercises.check_linear_backward)
check_log_likelihood = in_korean(exercises.check_log_likelihood)
check_log_probs = in_korean(exercises.check_log_probs)
check_logsumexp = in_korean(exercises.check_logsumexp)
check_mean_nll = in_korean(exercises.check_mean_nll)
check_method_2 = in_korean(exercises.check_method_2)
check_mini_batches = in_korean(exercises.check_mini_batches)
check_no_epsilon = in_korean(exercises.check_no_epsilon)
check_softmax = in_korean(exercises.check_softmax)
check_stable_softmax = in_korean(exercises.check_stable_softmax)
check_streamed = in_korean(exercises.check_streamed)
check_temperature = in_korean(exercises.check_temperature)
check_total_loss = in_korean(exercises.check_total_loss)
check_typical_probability = in_korean(exercises.check_typical_probability)
check_unhappiness = in_korean(exercises.check_unhappiness)
