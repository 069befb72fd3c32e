"""How a classifier learns from labels: a file for each loss, found by its name.

A module holds `loss(logits, labels)`: float [B, C], integers [B] -> [B], at least 0.
"""
