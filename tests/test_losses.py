from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from bench.cells.losses import LOSSES


def test_cross_entropy_is_nll_of_log_softmax_and_its_one_hot_form() -> None:
    outputs, labels = torch.randn(6, 10), torch.randint(10, (6,))
    cross_entropy = LOSSES["cross-entropy"](outputs, labels)
    one_hot = functional.one_hot(labels, 10)
    written_out = -(one_hot * outputs.log_softmax(dim=1)).sum(dim=1).mean()
    torch.testing.assert_close(cross_entropy, LOSSES["nll"](outputs.log_softmax(dim=1), labels))
    torch.testing.assert_close(cross_entropy, written_out)
    probabilities = LOSSES["nll-of-probabilities"](outputs.softmax(dim=1), labels)
    torch.testing.assert_close(cross_entropy, probabilities)


def test_a_probability_of_zero_gives_a_finite_loss() -> None:
    loss = LOSSES["nll-of-probabilities"](torch.tensor([[1.0, 0.0]]), torch.tensor([1]))
    assert torch.isfinite(loss)


def test_cross_entropy_of_softmax_outputs_stays_between_its_two_ends() -> None:
    # log(e + 9) - 1 where the right class has probability 1, log(e + 9) where a wrong one has
    right, wrong = torch.eye(10)[:1], torch.eye(10)[1:2]
    label = torch.tensor([0])
    assert LOSSES["cross-entropy"](right, label).item() == pytest.approx(1.4612, abs=5e-5)
    assert LOSSES["cross-entropy"](wrong, label).item() == pytest.approx(2.4612, abs=5e-5)


def test_squared_error_is_averaged_over_all_entries() -> None:
    outputs = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.5]])
    # No error in the first row; -1 and 0.5 in the second; six entries.
    assert LOSSES["mse-one-hot"](outputs, torch.tensor([0, 1])).item() == pytest.approx(1.25 / 6)
