"""Fits the classifiers that analyzers carry to labelled data, and measures them on what they did not see."""
