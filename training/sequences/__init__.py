"""Classifiers of sequences of frame features, compared: StNet, Table 1."""
