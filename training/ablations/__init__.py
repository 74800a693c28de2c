"""The papers' ablation tables: rows of networks and options, trained alike and set beside the papers' numbers."""
