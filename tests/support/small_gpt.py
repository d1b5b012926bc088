"""The GPT of examples/programs/train_gpt_by_neurons.py, still smaller; its weights are large enough to choose by."""

import random

from scripts import load

example = load("train_gpt_by_neurons")
example.WIDTH, example.HEADS = 8, 2
POSITIONS, TOKENS = 8, 11

loss_of = example.loss_of


def new_weights(seed=0):
    weights = example.new_weights(TOKENS, POSITIONS, random.Random(seed))
    for p in all_of(weights):
        p.data *= 4
    return weights


def all_of(weights):
    """Every parameter."""
    return [p for matrix in weights.values() for row in matrix for p in row]
