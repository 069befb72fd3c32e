"""The losses once more, as loops over plain Python numbers straight from the papers' equations."""

import math

import numpy as np


def cosine(x, y):
    return sum(a * b for a, b in zip(x, y, strict=True)) / (math.hypot(*x) * math.hypot(*y))


def softmax(logits):
    weights = [math.exp(logit - max(logits)) for logit in logits]
    return [weight / sum(weights) for weight in weights]


def nt_xent(z_a, z_b, temperature):
    rows = [*z_a.tolist(), *z_b.tolist()]
    n = len(z_a)
    losses = []
    for i, anchor in enumerate(rows):
        positive = (i + n) % (2 * n)
        weights = {j: math.exp(cosine(anchor, row) / temperature) for j, row in enumerate(rows) if j != i}
        losses.append(-math.log(weights[positive] / sum(weights.values())))
    return np.array(losses)


def similarity_kl(student_a, student_b, teacher_a, teacher_b, temperature):
    def distribution(anchor, others):
        weights = [math.exp(cosine(anchor, other) / temperature) for other in others]
        return [weight / sum(weights) for weight in weights]

    losses = []
    for i in range(len(student_a)):
        p = distribution(teacher_a[i].tolist(), teacher_b.tolist())
        q = distribution(student_a[i].tolist(), student_b.tolist())
        losses.append(sum(pj * math.log(pj / qj) for pj, qj in zip(p, q, strict=True)))
    return np.array(losses)


def numeric_gradient(function, x, step=1e-5):
    """Central differences of a scalar function of a float64 array."""
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        shifted = x.copy()
        shifted[index] += step
        upper = function(shifted)
        shifted[index] -= 2 * step
        gradient[index] = (upper - function(shifted)) / (2 * step)
    return gradient
