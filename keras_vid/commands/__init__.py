"""One file a subcommand: `add_arguments(parser)` and `run(args)`; heavy imports inside `run`."""
