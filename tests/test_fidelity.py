"""Our losses against those that the authors' own code returned."""

import fidelity
import numpy as np
import oracles
import pytest


def test_every_value_and_gradient_of_the_authors_code(shared, tmp_path):
    if shared:
        fixture = shared / "fixtures" / "authors_losses.npz"
    else:  # the same quantities from the oracles; their gradients are checked by finite differences elsewhere
        fixture = tmp_path / "oracle.npz"
        np.savez(fixture, **_oracle_case())
    worst = {
        f"{case} {name}": value
        for case, of_case in fidelity.deviations(fixture).items()
        for name, value in of_case.items()
    }
    assert len(worst) >= 13
    assert {name: value for name, value in worst.items() if value > 1e-5} == {}


def _oracle_case():
    rng = np.random.default_rng(0)
    rows = {name: rng.normal(size=(6, 5)) for name in ("zx1", "zy1", "zx2", "zy2", "px1", "py1")}
    rows = {name: x / np.linalg.norm(x, axis=1, keepdims=True) for name, x in rows.items()}
    case = dict(rows)
    for k, m in ((1, 2), (2, 1)):
        z_a, z_b = rows[f"zx{k}"], rows[f"zy{k}"]

        def total(z_a, z_b, m=m):
            kl = oracles.similarity_kl(z_a, z_b, rows[f"zx{m}"], rows[f"zy{m}"], 0.1).mean() / 6
            return oracles.nt_xent(z_a, z_b, 0.5).mean() + 100 * kl, kl

        case[f"total{k}"], case[f"kl{k}"] = total(z_a, z_b)
        case[f"ntxent{k}"] = oracles.nt_xent(z_a, z_b, 0.5).mean()
        case[f"dtotal{k}_dzx{k}"] = oracles.numeric_gradient(lambda x, z=z_b, f=total: f(x, z)[0], z_a)
        case[f"dtotal{k}_dzy{k}"] = oracles.numeric_gradient(lambda x, z=z_a, f=total: f(z, x)[0], z_b)
    case["simsiam"] = -((rows["px1"] * rows["zy1"]).sum(1) + (rows["py1"] * rows["zx1"]).sum(1)).mean() / 2
    case["dsimsiam_dpx1"], case["dsimsiam_dpy1"] = -rows["zy1"] / 12, -rows["zx1"] / 12
    return {f"6x5_tau0.1/{name}": value for name, value in case.items()}


def test_a_deviation_is_seen(tmp_path):
    case = _oracle_case()
    case["6x5_tau0.1/kl1"] *= 1.001
    np.savez(tmp_path / "off.npz", **case)
    assert fidelity.deviations(tmp_path / "off.npz")["6x5_tau0.1"]["kl1"] == pytest.approx(1e-3, rel=0.01)
