"""What the verdict does on simulated traffic, whose truth is known: docs/verdict.md and its pictures."""
