"""How often the analyzers are right, on labelled data: where the figures of docs/analyzers.md come from."""
