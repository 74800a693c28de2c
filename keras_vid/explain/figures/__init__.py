"""The papers' figures: each is a function that returns numbers, and one that draws them."""
