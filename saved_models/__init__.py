"""What ships: networks folded, exported as SavedModels, and checked against what was trained."""
