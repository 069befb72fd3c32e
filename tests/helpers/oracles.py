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


def similarity_kl(student_a, student_b, teacher_a, teacher_b, temperature, positives=True):
    def distribution(anchor, others):
        weights = [math.exp(cosine(anchor, other) / temperature) for other in others]
        return [weight / sum(weights) for weight in weights]

    losses = []
    for i in range(len(student_a)):
        met = [j for j in range(len(student_b)) if positives or j != i]
        p = distribution(teacher_a[i].tolist(), teacher_b[met].tolist())
        q = distribution(student_a[i].tolist(), student_b[met].tolist())
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


def squared_distance_of_unit_rows(p, target):
    """BYOL, equation 2."""
    losses = []
    for x, y in zip(p.tolist(), target.tolist(), strict=True):
        length_x, length_y = math.hypot(*x), math.hypot(*y)
        losses.append(sum((a / length_x - b / length_y) ** 2 for a, b in zip(x, y, strict=True)))
    return np.array(losses)


def info_nce(query, key, queue, temperature):
    """MoCo, equation 1."""
    losses = []
    for q, k in zip(query.tolist(), key.tolist(), strict=True):
        positive = math.exp(cosine(q, k) / temperature)
        negatives = sum(math.exp(cosine(q, other) / temperature) for other in queue.tolist())
        losses.append(-math.log(positive / (positive + negatives)))
    return np.array(losses)


def redundancy(z_a, z_b, off_diagonal):
    """Barlow Twins, equations 1 and 2, divided by the number of features. Its correlations know no epsilon."""
    a, b = ([_without_mean(column) for column in z.T.tolist()] for z in (z_a, z_b))
    total = 0
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            c = cosine(x, y)  # of centred columns: their correlation
            total += (1 - c) ** 2 if i == j else off_diagonal * c**2
    return total / len(a)


def vicreg_variance(z, epsilon=1e-4):
    """VICReg, equations 1 and 2."""
    columns = [_without_mean(column) for column in z.T.tolist()]
    deviations = [math.sqrt(sum(x * x for x in column) / (len(column) - 1) + epsilon) for column in columns]
    return sum(max(0, 1 - deviation) for deviation in deviations) / len(columns)


def vicreg_covariance(z):
    """VICReg, equations 3 and 4."""
    columns = [_without_mean(column) for column in z.T.tolist()]
    total = 0
    for i, x in enumerate(columns):
        for j, y in enumerate(columns):
            if i != j:
                total += (sum(a * b for a, b in zip(x, y, strict=True)) / (len(x) - 1)) ** 2
    return total / len(columns)


def vicreg_invariance(z_a, z_b):
    """VICReg, equation 5, divided by the number of features, of each image."""
    pairs = zip(z_a.tolist(), z_b.tolist(), strict=True)
    return np.array([sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) / len(a) for a, b in pairs])


def _without_mean(column):
    mean = sum(column) / len(column)
    return [x - mean for x in column]
