"""The loss of rows of logits, step by step."""
