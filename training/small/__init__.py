"""Classifiers of few videos: features of a frozen network, read once, and what is learned from them."""
